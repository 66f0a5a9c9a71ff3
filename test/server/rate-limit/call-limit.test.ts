import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorData } from '../../../client/src/errors.ts';
import { createAuthClient, errorAction } from '../../../client/src/index.ts';
import type { TokenPair } from '../../../server/dev/auth-service/auth-service.ts';
import { crowd } from '../../support/app/crowd.ts';
import { readExposition } from '../../support/output/exposition.ts';
import {
  askRaw,
  errorOf,
  outcomesOf,
  postHeaders,
  queryTarget,
  type RawAnswer,
  written,
} from '../../support/app/raw-request.ts';
import { hasRedis } from '../../support/redis/redis.ts';
import { createRawConnections } from '../../support/app/raw-connections.ts';
import { createClock, dialects, startApp, type StartAppOptions } from '../../support/app/start-app.ts';
import { startReplicas } from '../../support/processes/start-replicas.ts';

/** The caller identities, each with the headers that carry it. */
const identities: Record<string, (tokens: TokenPair) => Record<string, string>> = {
  'a cookie': ({ access }) => ({ cookie: `access_token=${access}` }),
  'a Bearer token': ({ access }) => ({ authorization: `Bearer ${access}` }),
  'no token': () => ({}),
};

const start = async ({ limit, ...options }: StartAppOptions & { limit: number }) => {
  const clock = createClock();
  const app = await startApp({
    now: clock.now,
    ...options,
    env: { RATE_LIMIT_PER_MINUTE: String(limit), ...options.env },
  });
  const tokens = await app.authService.issue({ type: 'staff', id: 123 });
  const asPerson = { cookie: `access_token=${tokens.access}` };
  const connections = createRawConnections(app.url);
  return {
    app,
    authService: app.authService,
    clock,
    tokens,
    /** A GET by the person, or with `headers`. */
    get: (target: string, headers: Record<string, string> = asPerson): Promise<RawAnswer> =>
      connections.ask({ target, headers }),
    [Symbol.asyncDispose]: () => {
      connections[Symbol.dispose]();
      return app[Symbol.asyncDispose]();
    },
  };
};

/** A batch of `count` calls of one procedure. */
const batchOf = (calls: number, path = 'session.current') => queryTarget(Array.from({ length: calls }, () => path));
const byIds = (count: number, from = 0) => queryTarget('users.byIds', JSON.parse(written({ ids: crowd(count, from) })));
const reasonOf = (answer: RawAnswer) => (answer.status === 429 ? errorOf(answer).reason : answer.status);

describe.each([
  ['its own handler', {}, {}],
  ["tRPC's adapter", { officialAdapter: true }, {}],
  ['a streamed answer', {}, { 'trpc-accept': 'application/jsonl' }],
])('behind %s', (_handler, options, headers) => {
  let test: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    test = await start({ limit: 60, ...options });
  });
  afterAll(() => test[Symbol.asyncDispose]());

  it.each(Object.entries(identities))('a batch with %s counts once for each of its calls', async (_name, identify) => {
    test.clock.advance(60_000);
    const own = { ...identify(test.tokens), ...headers };
    expect((await test.get(batchOf(50), own)).status).toBe(200);
    expect((await test.get(batchOf(10), own)).status).toBe(200);
    const refused = await test.get(batchOf(1), own);
    expect(errorOf(refused)).toMatchObject({ reason: 'rate_limited', retryAfterSeconds: 60 });
    expect(refused.headers['retry-after']).toBe('60');
  });
});

it('a batch that exceeds the limit is rejected as a whole, and counts until the minute has ended', async () => {
  await using test = await start({ limit: 60 });
  await test.get(batchOf(50));
  expect(reasonOf(await test.get(batchOf(11)))).toBe('rate_limited');
  expect(reasonOf(await test.get(queryTarget('session.current')))).toBe('rate_limited');
  test.clock.advance(60_000);
  expect((await test.get(batchOf(50))).status).toBe(200);
});

it('calls of unknown procedures count', async () => {
  await using test = await start({ limit: 10 });
  expect(outcomesOf(await test.get(batchOf(10, 'no.such')))).toEqual(Array(10).fill('no_such_procedure'));
  expect(reasonOf(await test.get(queryTarget('session.current')))).toBe('rate_limited');
});

it('a rejected batch of more than 50 calls counts as 50', async () => {
  await using test = await start({ limit: 51 });
  expect((await test.get(batchOf(800, 'a'))).status).toBe(400);
  expect((await test.get(queryTarget('session.current'))).status).toBe(200);
  expect(reasonOf(await test.get(queryTarget('session.current')))).toBe('rate_limited');
});

it('a path with commas without batch=1 is one call', async () => {
  await using test = await start({ limit: 3 });
  const paths = ['/trpc/a,b,c', '/trpc/a,b,c?batch=0&batch=1', '/trpc/a,b,c?input=batch=1', '/trpc/a'];
  const answers = [];
  for (const path of paths) answers.push(reasonOf(await test.get(path)));
  expect(answers).toEqual([404, 404, 404, 'rate_limited']);
});

describe('with a limit of three', () => {
  const three = 'session.current,session.current,session.current';
  let test: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    test = await start({ limit: 3 });
  });
  afterAll(() => test[Symbol.asyncDispose]());

  it.each([
    ['the parameter after another', `/trpc/${three}?input=%7B%7D&batch=1`],
    ['the parameter encoded', `/trpc/${three}?%62atch=%31`],
    ['the parameter twice', `/trpc/${three}?batch=1&batch=0`],
    ['commas encoded', `/trpc/${three.replaceAll(',', '%2C')}?batch=1`],
    ['commas encoded twice', `/trpc/${three.replaceAll(',', '%252C')}?batch=1`],
    ['the path encoded', `/%74rpc/${three}?batch=1`],
    ['an absolute address', `http://localhost/trpc/${three}?batch=1`],
  ])('a batch is counted with %s', async (_name, target) => {
    test.clock.advance(60_000);
    expect(outcomesOf(await test.get(target))).toHaveLength(3);
    expect(reasonOf(await test.get('/trpc/session.current'))).toBe('rate_limited');
  });
});

it('a path that cannot be decoded is one call', async () => {
  await using test = await start({ limit: 1 });
  expect((await test.get('/trpc/a,b,%25?batch=1')).status).toBe(400);
  expect(reasonOf(await test.get('/trpc/session.current'))).toBe('rate_limited');
});

it('a batch of mutations counts before its body is read', async () => {
  await using test = await start({ limit: 3 });
  const post = (paths: string, body: string) =>
    askRaw(test.app.url, {
      method: 'POST',
      target: `/trpc/${paths}?batch=1`,
      headers: { ...postHeaders, cookie: `access_token=${test.tokens.access}` },
      body,
    });
  expect((await post('assignments.next,assignments.next', 'not JSON')).status).toBe(400);
  expect(reasonOf(await post('assignments.next,assignments.next', '{}'))).toBe('rate_limited');
});

describe.each(dialects)('users.byIds with the %s dialect', (dialect) => {
  it.each([
    [1, 1],
    [50, 1],
    [51, 2],
    [500, 10],
  ])('counts %i ids as %i calls', async (ids, calls) => {
    await using test = await start({ limit: calls + 1, dialect });
    expect((await test.get(byIds(ids))).status).toBe(200);
    expect((await test.get('/trpc/session.current')).status).toBe(200);
    expect(reasonOf(await test.get('/trpc/session.current'))).toBe('rate_limited');
  });

  it('is rejected over the limit before it looks up anyone', async () => {
    await using test = await start({ limit: 15, dialect });
    expect((await test.get(byIds(500))).status).toBe(200);
    const refused = await test.get(byIds(500, 5_000));
    expect(errorOf(refused)).toMatchObject({ reason: 'rate_limited', path: 'users.byIds', retryAfterSeconds: 60 });
    expect(refused.headers['retry-after']).toBe('60');
    // A lookup would have happened before that of the other person.
    const other = await test.authService.issue({ type: 'staff', id: 5 });
    expect((await test.get(byIds(1, 9_000), { cookie: `access_token=${other.access}` })).status).toBe(200);
    const asked = test.authService.calls.map(({ path, body }) => `${path} ${body}`);
    expect(asked.some((call) => /\b2000001\b/.test(call))).toBe(true);
    expect(asked.filter((call) => /\b2005\d{3}\b/.test(call))).toEqual([]);
    test.clock.advance(59_000);
    expect((await test.get('/trpc/session.current')).headers['retry-after']).toBe('1');
  });
});

it.each([
  ['its own handler', {}],
  ["tRPC's adapter", { officialAdapter: true }],
])('behind %s, the other calls of a batch succeed if users.byIds exceeds the limit', async (_name, options) => {
  await using test = await start({ limit: 12, ...options });
  const [many, few] = [500, 1].map((count) => JSON.parse(written({ ids: crowd(count) })) as unknown);
  const target = queryTarget(['users.byIds', 'users.byIds', 'users.byIds'], { 0: many, 1: many, 2: few });
  const answer = await test.get(target);
  expect(answer.status).toBe(207);
  expect(answer.headers['retry-after']).toBe('60');
  expect(outcomesOf(answer)).toEqual([
    expect.objectContaining({ notFound: [] }),
    'rate_limited',
    expect.objectContaining({ notFound: [] }),
  ]);
});

it('users.byIds that is rejected for another reason counts as one call', async () => {
  await using test = await start({ limit: 3 });
  const employee = await test.authService.issue({ type: 'employee', id: 1 });
  const asEmployee = { cookie: `access_token=${employee.access}` };
  const tooMany = queryTarget('users.byIds', JSON.parse(written({ ids: crowd(501) })));
  for (let call = 0; call < 3; call += 1) {
    expect((await test.get(byIds(500), asEmployee)).status).toBe(403);
    expect((await test.get(tooMany)).status).toBe(400);
  }
  expect(reasonOf(await test.get(byIds(500), asEmployee))).toBe('rate_limited');
  expect(reasonOf(await test.get(tooMany))).toBe('rate_limited');
});

it('users.byIds counts for the person even if the request counted for an address', async () => {
  await using test = await start({
    limit: 10,
    env: { TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-of-32-bytes-or-more' },
  });
  // The token is verified once the Auth Service has accepted it.
  expect((await test.get(byIds(500))).status).toBe(200);
  expect((await test.get('/trpc/session.current')).status).toBe(200);
  expect(reasonOf(await test.get('/trpc/session.current'))).toBe('rate_limited');
  expect((await test.get('/trpc/session.current', {})).status).toBe(200);
});

it('no call is counted if the limit is 0', async () => {
  await using test = await start({ limit: 0 });
  for (let call = 0; call < 2; call += 1) expect((await test.get(byIds(500))).status).toBe(200);
  for (let call = 0; call < 2; call += 1) expect((await test.get(batchOf(50))).status).toBe(200);
});

it('the metrics count each rejected call', async () => {
  await using test = await start({ limit: 12 });
  const opsUrl = await test.app.listenOps();
  await test.get(byIds(500));
  await test.get(byIds(500));
  await test.get('/trpc/session.current');
  const families = readExposition((await askRaw(opsUrl, { target: '/metrics' })).body);
  const samples = families.flatMap((family) => family.samples);
  expect(
    samples.find(({ name, labels }) => name === 'auth_bff_rate_limited_total' && labels.limit === 'requests')?.value,
  ).toBe(2);
});

it('by default a page of 50 rows can be loaded 120 times a minute', async () => {
  await using test = await start({ limit: 1, env: { RATE_LIMIT_PER_MINUTE: '' } });
  expect((await test.get(batchOf(50))).status).toBe(200);
  // A batch of more calls is rejected, and counts as 50 without the work of 50.
  for (let page = 2; page < 120; page += 1) await test.get(batchOf(51, 'a'));
  expect((await test.get(batchOf(50))).status).toBe(200);
  expect(reasonOf(await test.get(batchOf(1)))).toBe('rate_limited');
});

it('each rejected call has retryAfterSeconds, and the client does not retry it', async () => {
  await using test = await start({ limit: 60 });
  let requests = 0;
  const { trpc, session } = createAuthClient({
    url: `${test.app.url}/trpc`,
    fetch: (input, init) => {
      requests += 1;
      return fetch(input, {
        ...init,
        headers: { ...Object.fromEntries(new Headers(init?.headers)), authorization: `Bearer ${test.tokens.access}` },
      });
    },
  });
  const rows = (count: number) =>
    Promise.all(
      crowd(count).map((id) =>
        trpc.users.byId.query({ id }).then(
          () => 'answered',
          (error: unknown) => `${errorAction(error)}, after ${errorData(error)?.retryAfterSeconds} s`,
        ),
      ),
    );
  expect(new Set(await rows(60))).toEqual(new Set(['answered']));
  expect(requests).toBe(2);
  expect(new Set(await rows(60))).toEqual(new Set(['slow-down, after 60 s']));
  expect(requests).toBe(4);
  session.dispose();
});

it.skipIf(!hasRedis())('replicas count the calls of batches and of users.byIds together', async () => {
  await using test = await startReplicas({ env: { RATE_LIMIT_PER_MINUTE: '70' } });
  const { access } = await test.authService.issue({ type: 'staff', id: 123 });
  const get = (url: string, target: string) => askRaw(url, { target, headers: { cookie: `access_token=${access}` } });
  expect((await get(test.first.url, batchOf(50))).status).toBe(200);
  expect((await get(test.second.url, byIds(500))).status).toBe(200);
  expect(reasonOf(await get(test.second.url, batchOf(11)))).toBe('rate_limited');
  expect(reasonOf(await get(test.first.url, batchOf(1)))).toBe('rate_limited');
});
