import { isDeepStrictEqual } from 'node:util';
import type { EmbeddedAuthService, TokenPair } from '../../../server/dev/auth-service/auth-service.ts';
import { readExposition } from '../output/exposition.ts';
import { unchunk } from '../fuzz/fault-of.ts';
import { createRawConnection, type RawConnection } from './raw-connection.ts';
import { askRaw, type RawAnswer, type RawRequest, sendLines } from './raw-request.ts';
import { createClock, startApp, type StartAppOptions, type TestApp } from './start-app.ts';

type Issue = (type: 'staff' | 'employee', id: number, claims?: Record<string, unknown>) => Promise<TokenPair>;

const toCookie = ({ access, refresh }: TokenPair) => `access_token=${access}; refresh_token=${refresh}`;

/** The callers, each with the headers that identify it. */
const identities = {
  anonymous: async () => ({}),
  staff: async (issue: Issue) => ({ cookie: toCookie(await issue('staff', 123)) }),
  'staff of AMS': async (issue: Issue) => ({ cookie: toCookie(await issue('staff', 4)) }),
  employee: async (issue: Issue) => ({ cookie: toCookie(await issue('employee', 1)) }),
  'staff by Bearer': async (issue: Issue) => ({ authorization: `Bearer ${(await issue('staff', 123)).access}` }),
  'staff by cookie and Bearer': async (issue: Issue) => ({
    cookie: toCookie(await issue('staff', 123)),
    authorization: `Bearer ${(await issue('employee', 1)).access}`,
  }),
  'staff, cookies twice': async (issue: Issue) => {
    const cookie = toCookie(await issue('staff', 123));
    return { cookie: `${cookie}; ${cookie}` };
  },
  'two people at once': async (issue: Issue) => ({
    cookie: `${toCookie(await issue('staff', 123))}; ${toCookie(await issue('employee', 1))}`,
  }),
  'with a refresh token alone': async (issue: Issue) => ({
    cookie: `refresh_token=${(await issue('staff', 123)).refresh}`,
  }),
  'with tokens of different people': async (issue: Issue) => ({
    cookie: toCookie({ ...(await issue('staff', 123)), refresh: (await issue('employee', 1)).refresh }),
  }),
  expired: async (issue: Issue) => ({
    cookie: toCookie(await issue('staff', 123, { iat: 1_000_000, exp: 1_000_900 })),
  }),
  broken: async (issue: Issue) => {
    const { access, refresh } = await issue('staff', 123);
    return { cookie: toCookie({ access: `${access}x`, refresh: `x${refresh}` }) };
  },
  empty: async () => ({ cookie: 'access_token=""; refresh_token=; =;;' }),
} satisfies Record<string, (issue: Issue) => Promise<Record<string, string>>>;

export type Person = keyof typeof identities;
export const persons = Object.keys(identities) as Person[];

/** Issues new tokens for each request, so that a sign-out in an earlier request has no effect. */
const identify = (person: Person, authService: EmbeddedAuthService): Promise<Record<string, string>> =>
  identities[person]((type, id, claims) => authService.issue({ type, id }, claims));

/** The handler that answered on our server of the pair: our own, the tRPC adapter, or none. */
export type Answerer = 'own' | 'adapter' | 'neither';

/** A request, or its raw lines. */
type Sent = RawRequest | readonly string[];
const isLines = (sent: Sent): sent is readonly string[] => Array.isArray(sent);

export type Case = {
  name: string;
  /** Default `anonymous`. Raw lines contain their own identification. */
  as?: Person;
  /** A function creates the request for each of the two apps separately. */
  request: Sent | ((app: TestApp) => RawRequest);
  /** The handler that must answer. Null: any. */
  by: Answerer | null;
  /** The value under test, if several cases have it in different places. */
  text?: string;
};

/** Headers of the HTTP connection, which are not compared. */
const ignoredHeaders = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length']);

type Fields = Record<string, unknown>;

/** The message about a page of another origin names the host of the app, and so its port. */
const withoutHost = (text: string): string => text.replaceAll(/is not the host \S+ of/g, 'is not the host <host> of');

/** The comparable part of a response. Generated values (tokens, challenges, ids, stacks) are replaced or removed. */
const toComparable = ({ status, headers, setCookies, body }: RawAnswer, sentId: unknown): Fields => ({
  ...Object.fromEntries(Object.entries(headers).filter(([name]) => !ignoredHeaders.has(name))),
  // Fastify adds a charset, which JSON does not have.
  'content-type': headers['content-type']?.replace('; charset=utf-8', ''),
  'set-cookie': setCookies.map((line) => line.replace(/^(\w+=)[\w-]+(?:\.[\w-]*){2,4};/, '$1<token>;')),
  'x-request-id': headers['x-request-id'] === sentId ? 'the one sent' : typeof headers['x-request-id'],
  status,
  body: withoutHost(body)
    .replaceAll(/"challenge":"[^"]+"/g, '"challenge":"<challenge>"')
    .replaceAll(/"stack":"(?:[^"\\]|\\.)+"/g, '"stack":"<stack>"'),
});

/** The fields in which the two apps differ, with the values of each. */
export type Difference = { name: string; own: unknown; official: unknown };

/** Null: the two are equal. */
const differenceOf = (own: Fields, official: Fields): { own: Fields; official: Fields } | null => {
  const differing = Object.keys({ ...own, ...official }).filter((key) => !isDeepStrictEqual(own[key], official[key]));
  const pick = (fields: Fields): Fields => Object.fromEntries(differing.map((key) => [key, fields[key]]));
  return differing.length === 0 ? null : { own: pick(own), official: pick(official) };
};

const isChunked = ({ headers }: RawAnswer) => headers['transfer-encoding'] === 'chunked';

/** Responses of the adapter are chunked. All others have a content-length. */
const answererOf = (own: RawAnswer, official: RawAnswer): Answerer =>
  isChunked(own) ? 'adapter' : isChunked(official) ? 'own' : 'neither';

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** A log line without measured and generated values. Calls of a batch are sorted, because they may fail in any order. */
const toLogged = ({ time: _time, ms: _ms, upstreamMs: _upstreamMs, ...line }: Record<string, unknown>): string =>
  withoutHost(
    JSON.stringify({
      ...line,
      ...(uuid.test(String(line.requestId)) ? { requestId: 'made' } : {}),
      ...(Array.isArray(line.reasons) ? { reasons: line.reasons.map(String).toSorted() } : {}),
    }),
  );

/** The values of the counters. */
const countsOf = async (opsUrl: string): Promise<string[]> => {
  const { body } = await askRaw(opsUrl, { target: '/metrics' });
  return readExposition(body)
    .filter(({ name, type }) => type !== 'gauge' && !/^(process|nodejs)_/.test(name))
    .flatMap(({ samples }) => samples)
    .filter(({ name }) => /_(total|count)$/.test(name))
    .map((sample) => JSON.stringify(sample));
};

/** The items that occur more often in one list than in the other. */
const surplusOf = (lines: readonly string[], others: readonly string[]): string[] => {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
};

export type Compared = {
  answers: [own: RawAnswer, official: RawAnswer];
  answerer: Answerer;
  difference: Difference | null;
};

/**
 * Two BFFs, each with a separate Auth Service: one with its own request handler, one that uses only tRPC's adapter.
 * Both have the same clock, people and signing keys.
 */
export const startReferencePair = async (options: Omit<StartAppOptions, 'now' | 'officialAdapter'> = {}) => {
  const clock = createClock();
  const shared: StartAppOptions = {
    now: clock.now,
    // Breakers and health probes would run at different times in each.
    monotonicNow: () => 0,
    recoveryEveryMs: 600_000,
    isOverloaded: () => false,
    ...options,
    env: { RATE_LIMIT_PER_MINUTE: '0', ...options.env },
  };
  const own = await startApp(shared);
  const official = await startApp({ ...shared, officialAdapter: true });
  const opsUrls = [await own.listenOps(), await official.listenOps()] as const;
  const connections = [createRawConnection(own.url), createRawConnection(official.url)] as const;
  const differences: Difference[] = [];
  let requestCount = 0;

  const send = async ({ url }: TestApp, connection: RawConnection, sent: Sent): Promise<RawAnswer> => {
    if (!isLines(sent)) return connection.ask(sent);
    const answer = await sendLines(url, sent);
    return isChunked(answer) ? { ...answer, body: unchunk(answer.body)[0] } : answer;
  };

  /** Sends the same request to both. Records a different response, or an answer by an unexpected handler. */
  const compare = async ({ name, as = 'anonymous', request, by }: Case): Promise<Compared> => {
    requestCount += 1;
    const made = { 'x-request-id': `${requestCount}`, ...(await identify(as, own.authService)) };
    const complete = (app: TestApp): Sent => {
      const sent = typeof request === 'function' ? request(app) : request;
      return isLines(sent) ? sent : { ...sent, headers: { ...made, ...sent.headers } };
    };
    const [toOwn, toOfficial] = [complete(own), complete(official)];
    const answers = await Promise.all([send(own, connections[0], toOwn), send(official, connections[1], toOfficial)]);
    const [byOwn, byOfficial] = answers;

    const sentId = isLines(toOwn) ? undefined : toOwn.headers?.['x-request-id'];
    const answerer = answererOf(byOwn, byOfficial);
    const responseDifference = differenceOf(
      { ...toComparable(byOwn, sentId), answerer },
      { ...toComparable(byOfficial, sentId), answerer: by ?? answerer },
    );
    // Log lines contain this number as the request id.
    const label = () => `${requestCount}: ${name}, as ${as}: ${JSON.stringify(request)?.slice(0, 1_000)}`;
    const difference = responseDifference === null ? null : { name: label(), ...responseDifference };
    if (difference !== null) differences.push(difference);
    return { answers, answerer, difference };
  };

  let ending: Promise<unknown> | null = null;
  const end = async (): Promise<void> => {
    for (const connection of connections) connection.close();
    ending ??= Promise.all([own[Symbol.asyncDispose](), official[Symbol.asyncDispose]()]);
    await ending;
  };

  return {
    own,
    official,
    clock,
    compare,
    compareAll: async (cases: readonly Case[]): Promise<void> => {
      for (const one of cases) await compare(one);
    },
    /** Stops both. Returns the differences in responses, upstream requests, metrics and log lines. */
    differences: async (): Promise<Difference[]> => {
      const counts = await Promise.all([countsOf(opsUrls[0]), countsOf(opsUrls[1])]);
      await end();
      const toCalls = ({ authService }: TestApp) => authService.calls.map(({ method, path }) => `${method} ${path}`);
      // Warnings about event-loop delay depend on the machine.
      const toLines = ({ logLines }: TestApp) => logLines.filter(({ lagMs }) => lagMs === undefined).map(toLogged);
      const kept: Array<[name: string, own: string[], official: string[]]> = [
        ['requests to the Auth Service', toCalls(own), toCalls(official)],
        ['metrics', ...counts],
        ['log lines', toLines(own), toLines(official)],
      ];
      const more = kept.map(([name, ofOwn, ofOfficial]) => ({
        name,
        own: surplusOf(ofOwn, ofOfficial),
        official: surplusOf(ofOfficial, ofOwn),
      }));
      return [...differences, ...more.filter((one) => one.own.length > 0 || one.official.length > 0)];
    },
    [Symbol.asyncDispose]: end,
  };
};

export type ReferencePair = Awaited<ReturnType<typeof startReferencePair>>;
