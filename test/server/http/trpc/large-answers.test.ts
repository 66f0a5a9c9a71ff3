import { setImmediate as nextTurn } from 'node:timers/promises';
import Fastify from 'fastify';
import { deserialize, type SuperJSONResult } from 'superjson';
import { afterEach, expect, it, vi } from 'vitest';
import type { User } from '../../../../shared/src/index.ts';
import { createAuthServiceClient } from '../../../../server/src/auth-service/client.ts';
import type { UpstreamResponse, UpstreamRequest } from '../../../../server/src/auth-service/transport.ts';
import { createContext } from '../../../../server/src/api/context.ts';
import { createDirectory } from '../../../../server/src/directory/directory.ts';
import { disconnectSignalOf } from '../../../../server/src/http/lifecycle/response-end.ts';
import { registerTrpc } from '../../../../server/src/http/trpc/handler.ts';
import { crowd } from '../../../support/app/crowd.ts';
import { askRaw, queryTarget } from '../../../support/app/raw-request.ts';
import { hold } from '../../../support/time/hold.ts';

afterEach(() => void vi.restoreAllMocks());

const joinedAt = '2024-05-06T07:08:09.000Z';
const wireUser = (id: number) => ({
  id,
  email: `user.${id}@example.com`,
  first_name: 'Zoë',
  last_name: `No ${id}`,
  date_joined: joinedAt,
});
const nameOf = ({ id, firstName, lastName }: User) => `${id} ${firstName} ${lastName}`;
const expectedName = (id: number) => `${id} Zoë No ${id}`;

const lifetimes = { freshSeconds: 60, staleSeconds: 60, staleOnErrorSeconds: 60 };
const caller = { type: 'staff', id: 123, accessToken: 'none' } as const;

/** The work done in each turn of the event loop. */
const watchTurns = () => {
  const none = () => ({ begun: 0, lookedUp: 0, read: 0, written: 0 });
  let now = none();
  const turns: Array<ReturnType<typeof none>> = [];
  let isOver = false;
  const watch = () => {
    if (now.begun + now.lookedUp + now.read + now.written > 0) turns.push(now);
    now = none();
    if (!isOver) setImmediate(watch);
  };
  watch();
  const { toJSON } = Date.prototype;
  // Each user has one date.
  vi.spyOn(Date.prototype, 'toJSON').mockImplementation(function count(this: Date) {
    now.written += 1;
    return toJSON.call(this);
  });
  const most = (what: keyof ReturnType<typeof none>) => Math.max(...turns.map((turn) => turn[what]));
  return {
    count: (what: 'begun' | 'lookedUp' | 'read', records: number): void => {
      now[what] += records;
    },
    begin(): void {
      turns.length = 0;
      now = none();
    },
    /** The turns with work since the beginning, and the most work done in one turn. */
    async since() {
      await nextTurn();
      await nextTurn();
      return {
        turns: turns.length,
        begun: most('begun'),
        lookedUp: most('lookedUp'),
        read: most('read'),
        written: most('written'),
      };
    },
    stop(): void {
      isOver = true;
    },
  };
};

/** The tRPC handler without request limits, in front of an Auth Service that knows every user. */
const start = async ({ until = nextTurn() }: { until?: Promise<unknown> } = {}) => {
  let lookedUp = 0;
  const turns = watchTurns();
  let requests = 0;
  let mostRequests = 0;
  const request = async (_endpoint: unknown, { json }: UpstreamRequest = {}): Promise<UpstreamResponse> => {
    const { user_ids: ids } = json as { user_ids: number[] };
    mostRequests = Math.max(mostRequests, (requests += 1));
    await nextTurn();
    await until;
    requests -= 1;
    const text = JSON.stringify({ users: ids.map(wireUser) });
    let isRead = false;
    return {
      status: 200,
      date: null,
      contentType: 'application/json',
      location: null,
      retryAfter: null,
      setCookies: [],
      get body() {
        if (!isRead) turns.count('read', ids.length);
        isRead = true;
        return text;
      },
    };
  };
  const now = () => 0;
  const directory = createDirectory({
    authService: createAuthServiceClient({ transport: { request }, now }),
    lifetimes: { people: lifetimes, roles: lifetimes, maxEntries: 100_000 },
    now,
    onLookup() {
      lookedUp += 1;
      turns.count('lookedUp', 1);
    },
  });
  const principal = { type: 'staff', id: 123, email: null, fullName: null, systems: ['TTS'], roles: [] } as const;
  const server = Fastify({ http: { maxHeaderSize: 1_000_000 }, routerOptions: { maxParamLength: 10_000 } });
  await registerTrpc(server, {
    variesByOrigin: false,
    securityHeaders: {},
    onError: (error) => expect.fail(error.message),
    onUnreached: () => {},
    live: {} as never,
    createContext: ({ id: requestId }, reply, facts) => {
      turns.count('begun', 1);
      return createContext({
        requestId,
        address: '127.0.0.1',
        isDevelopment: false,
        service: null,
        serviceAccount: null,
        ...facts,
        directory,
        account: {} as never,
        assignments: {
          candidates: async () => ({ users: (await directory.users(crowd(2_000), caller)).users }),
        } as never,
        membership: {
          toDecide: async () => principal,
          toDecideByRole: async () => principal,
          toShow: async () => principal,
        },
        turnAdministration: {} as never,
        assignmentRoles: [],
        idempotencyKey: () => null,
        getDisconnectSignal: disconnectSignalOf(reply),
        onStale: () => {},
        status: () => expect.fail('Unexpected call of status().'),
        monotonicNow: () => 0,
        onCall: () => {},
        charge: () => {},
        openStream: () => expect.fail('Unexpected call of openStream().'),
        requestSession: { current: () => ({ state: 'signed_in', principal, caller }) } as never,
      });
    },
  });
  const url = await server.listen({ port: 0 });
  return {
    directory,
    turns,
    mostRequests: () => mostRequests,
    lookedUp: () => lookedUp,
    /** Sends all requests at once, in one turn of the event loop. */
    askTogether: (targets: readonly string[]) => Promise.all(targets.map((target) => server.inject(target))),
    ask: async (target: string, headers: Record<string, string> = {}) => askRaw(url, { target, headers }),
    async [Symbol.asyncDispose]() {
      turns.stop();
      await server.close();
    },
  };
};

type Result = { result: { data: SuperJSONResult } };
const usersOf = ({ result }: Result): User[] => deserialize<{ users: User[] }>(result.data).users;

const batchOf = (pagesOfIds: readonly number[][]): string =>
  queryTarget(
    pagesOfIds.map(() => 'users.byIds'),
    Object.fromEntries(pagesOfIds.map((ids, index) => [index, { json: { ids } }])),
  );

const pages = Array.from({ length: 10 }, (_, index) => crowd(500, index * 500));
const batch = batchOf(pages);

it('calls for 500 unknown users each block the event loop for at most 500 users at a time', async () => {
  await using test = await start();
  test.turns.begin();
  const { status, headers, body } = await test.ask(batch);
  const { turns, ...most } = await test.turns.since();
  expect(most).toMatchObject({ lookedUp: 500, written: 500 });
  expect(most.read).toBeLessThanOrEqual(500);
  expect(turns).toBeGreaterThan(20);
  // The maximum of requests in flight for one person.
  expect(test.mostRequests()).toBeLessThanOrEqual(16);
  expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
  expect((JSON.parse(body) as Result[]).map((call) => usersOf(call).map(nameOf))).toEqual(
    pages.map((ids) => ids.map(expectedName)),
  );
});

it('calls for 500 cached users each are answered in one turn of the event loop each', async () => {
  await using test = await start();
  await Promise.all(pages.map(async (ids) => test.directory.users(ids, caller)));
  test.turns.begin();
  const { body } = await test.ask(batch);
  const { turns, ...most } = await test.turns.since();
  expect(most).toEqual({ begun: 1, lookedUp: 500, read: 0, written: 500 });
  // One more turn reads the request.
  expect(turns).toBe(pages.length + 1);
  expect((JSON.parse(body) as Result[]).map((call) => usersOf(call).length)).toEqual(pages.map(() => 500));
});

it('calls for the same 500 users are answered in one turn each, though they waited for the same load', async () => {
  await using test = await start();
  const { body } = await test.ask(batchOf(pages.map(() => crowd(500))));
  const { turns, ...most } = await test.turns.since();
  expect(most).toMatchObject({ lookedUp: 500, written: 500 });
  expect(turns).toBeGreaterThan(pages.length);
  expect((JSON.parse(body) as Result[]).map((call) => usersOf(call).length)).toEqual(pages.map(() => 500));
});

it('calls for many users keep no more users in memory than were requested', async () => {
  const { until, release } = hold();
  await using test = await start({ until });
  const answer = test.ask(batch);
  await expect.poll(test.mostRequests).toBe(16);
  for (let count = 0; count < 200; count += 1) await nextTurn();
  expect(test.lookedUp()).toBe(1_600);
  release();
  expect((await answer).status).toBe(200);
  expect(test.lookedUp()).toBe(5_000);
});

it('a larger response is written in several turns', async () => {
  await using test = await start();
  const target = queryTarget('assignments.candidates', { json: { system: 'TTS', role: 'Technician' } });
  await test.ask(target);
  test.turns.begin();
  const { headers, body } = await test.ask(target);
  const { turns, ...most } = await test.turns.since();
  expect(most).toEqual({ begun: 1, lookedUp: 500, read: 0, written: 500 });
  expect(turns).toBeGreaterThanOrEqual(4);
  expect(usersOf(JSON.parse(body) as Result).map(nameOf)).toEqual(crowd(2_000).map(expectedName));
  expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
});

it('streamed responses of 500 users each are written in one turn each', async () => {
  await using test = await start();
  const target = batchOf(pages.slice(0, 5));
  const headers = { 'trpc-accept': 'application/jsonl' };
  await test.ask(target, headers);
  test.turns.begin();
  const { status, body } = await test.ask(target, headers);
  const { turns, ...most } = await test.turns.since();
  expect([status, body.match(/user\./g)?.length]).toEqual([200, 2_500]);
  expect(most).toEqual({ begun: 1, lookedUp: 500, read: 0, written: 500 });
  // One more turn reads the request.
  expect(turns).toBe(6);
});

it('50 simultaneous requests with 500 ids each are parsed in several turns', async () => {
  await using test = await start();
  const ids = crowd(500);
  await test.directory.users(ids, caller);
  test.turns.begin();
  const target = queryTarget('users.byIds', { json: { ids } });
  const answers = await test.askTogether(Array.from({ length: 50 }, () => target));
  const { begun, written } = await test.turns.since();
  expect(begun).toBeLessThanOrEqual(16);
  expect(written).toBe(500);
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 200));
});
