import { describe, expect, it, vi } from 'vitest';
import { openConnection } from '../support/app/open-connection.ts';
import {
  askRaw,
  errorOf,
  postHeaders,
  queryTarget,
  type RawAnswer,
  type RawRequest,
} from '../support/app/raw-request.ts';
import { hasRedis, startRedis } from '../support/redis/redis.ts';
import { commandsIn, startRedisProxy } from '../support/redis/redis-proxy.ts';
import { createClock, startApp, type StartAppOptions, type TestApp } from '../support/app/start-app.ts';
import { patientRedisMs, startReplicas } from '../support/processes/start-replicas.ts';
import { createTimers } from '../support/time/timers.ts';
import { john } from '../support/app/people.ts';
import { inRedis } from '../support/redis/in-redis.ts';

const remotely = { TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-of-32-bytes-or-more' };

const start = async (options: StartAppOptions = {}) => {
  const redis = await startRedis();
  const proxy = await startRedisProxy({ port: redis.port });
  const timers = createTimers();
  const clock = createClock();
  const app = await startApp({
    now: clock.now,
    redisTimeoutMs: patientRedisMs,
    startRedisTimer: timers.start,
    ...options,
    env: { REDIS_URL: proxy.url, ...options.env },
  });
  const { access } = await app.authService.issue(john);
  const asPerson = { cookie: `access_token=${access}` };
  const send = ({ headers = asPerson, ...request }: Partial<RawRequest> = {}) =>
    askRaw(app.url, { target: '/trpc/session.me', ...request, headers });
  return {
    app,
    redis,
    proxy,
    timers,
    access,
    send,
    /** Sends a call, and returns the number of Redis commands and the response. */
    async commandsOf(request: Partial<RawRequest> = {}): Promise<[commands: number, answer: RawAnswer]> {
      const before = commandsIn(proxy.sent());
      const answer = await send(request);
      return [commandsIn(proxy.sent()) - before, answer];
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
};

const signOut = ({ url }: TestApp, access: string, procedure = 'session.logout') =>
  askRaw(url, {
    method: 'POST',
    target: `/trpc/${procedure}`,
    headers: { ...postHeaders, cookie: `access_token=${access}` },
    body: '{}',
  });

describe.skipIf(!hasRedis())('a call of a signed-in person takes one round trip to Redis', () => {
  type RequestCase = Partial<RawRequest> | ((access: string) => Partial<RawRequest>);
  it.each<[name: string, request: RequestCase, status: number, options?: StartAppOptions]>([
    ['with a cookie', {}, 200],
    ['with a Bearer token', (access) => ({ headers: { authorization: `Bearer ${access}` } }), 200],
    [
      'with two cookies of the same name',
      (access) => ({ headers: { cookie: `access_token=nonsense; access_token=${access}` } }),
      200,
    ],
    ['in a batch', { target: queryTarget(['session.me', 'session.current', 'session.me']) }, 200],
    ['of a public procedure', { target: '/trpc/status.get' }, 200],
    ['of an unknown procedure', { target: '/trpc/no.such' }, 404],
    [
      'with a body',
      (access) => ({
        method: 'POST',
        target: '/trpc/assignments.next',
        headers: { ...postHeaders, cookie: `access_token=${access}` },
        body: '{}',
      }),
      400,
    ],
    ["behind tRPC's adapter", {}, 200, { officialAdapter: true }],
    [
      'as a stream',
      (access) => ({
        target: queryTarget(['session.me', 'session.me']),
        headers: { cookie: `access_token=${access}`, 'trpc-accept': 'application/jsonl' },
      }),
      200,
    ],
    ['over the limit', {}, 429, { env: { RATE_LIMIT_PER_MINUTE: '1' } }],
    ['whose token the Auth Service has validated', {}, 200, { env: remotely }],
  ])('%s', async (_name, request, status, options) => {
    await using test = await start(options);
    await test.send();
    const before = commandsIn(test.proxy.sent());
    const release = test.proxy.holdReplies();
    const answer = test.send(typeof request === 'function' ? request(test.access) : request);
    // Both commands are sent before Redis replies to either.
    await vi.waitFor(() => expect(commandsIn(test.proxy.sent()) - before).toBe(2));
    release();
    expect(await answer).toMatchObject({ status, headers: { 'x-session-user': 'staff:123' } });
    expect(commandsIn(test.proxy.sent()) - before).toBe(2);
  });
});

describe.skipIf(!hasRedis())('a call sends only the Redis commands that it needs', () => {
  it.each<[string, number, Partial<RawRequest>, StartAppOptions?]>([
    ['without a token: only the rate-limit count', 1, { headers: {} }],
    ['with a forged token: only the rate-limit count', 1, { headers: { cookie: 'access_token=x' } }],
    ['without a rate limit: only the session look-up', 1, {}, { env: { RATE_LIMIT_PER_MINUTE: '0' } }],
    ['without a token or a rate limit: none', 0, { headers: {} }, { env: { RATE_LIMIT_PER_MINUTE: '0' } }],
  ])('%s', async (_name, commands, request, options) => {
    await using test = await start(options);
    await test.send(request);
    expect((await test.commandsOf(request))[0]).toBe(commands);
  });

  it('for a session that this process has signed out: only the rate-limit count', async () => {
    await using test = await start();
    await signOut(test.app, test.access);
    const [commands, answer] = await test.commandsOf();
    expect(errorOf(answer).reason).toBe('session_ended');
    expect(commands).toBe(1);
  });
});

describe.skipIf(!hasRedis())('the round trip for the rate limit and the session look-up', () => {
  it('falls back for both after one timeout if Redis does not respond', async () => {
    await using test = await start();
    await test.send();
    test.proxy.silence();
    expect((await test.timers.fireUntil(test.send())).status).toBe(200);
    expect(test.timers.fired()).toEqual([250]);
  });

  it('falls back for both without a timeout if Redis is down', async () => {
    await using test = await start({ env: { RATE_LIMIT_PER_MINUTE: '3' } });
    await test.send();
    await test.redis.stop();
    const statuses = [];
    for (let call = 0; call < 4; call += 1) statuses.push((await test.send()).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(test.timers.fired()).toEqual([]);
  });

  it('finds a sign-out, and falls back to a local count, if Redis is full', async () => {
    await using test = await startReplicas({ env: { RATE_LIMIT_PER_MINUTE: '3' } });
    const [ended, other] = [await test.authService.issue(john), await test.authService.issue({ type: 'staff', id: 5 })];
    const me = (app: TestApp, access: string) =>
      askRaw(app.url, { target: '/trpc/session.me', headers: { cookie: `access_token=${access}` } });
    await signOut(test.first, ended.access);
    await inRedis(test.redis, (client) => client.config('SET', 'maxmemory', '1'));
    expect(errorOf(await me(test.second, ended.access)).reason).toBe('session_ended');
    const statuses = [];
    for (let call = 0; call < 4; call += 1) statuses.push((await me(test.second, other.access)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  it.each([
    ['a sign-out here', 0, 'session.logout'],
    ['a sign-out at another replica a second later', 1_000, 'session.logout'],
    ['a sign-out everywhere here', 0, 'session.logoutEverywhere'],
    ['a sign-out everywhere at another replica a second later', 1_000, 'session.logoutEverywhere'],
  ])('rejects a request whose body arrives after %s', async (_name, afterMs, procedure) => {
    let nowMs = 0;
    await using test = await startReplicas({ monotonicNow: () => nowMs });
    const { access } = await test.authService.issue(john);
    using connection = await openConnection(test.second.url);
    connection.send(
      'POST /trpc/assignments.next HTTP/1.1',
      'host: localhost',
      'content-type: application/json',
      'x-csrf: 1',
      `cookie: access_token=${access}`,
      'content-length: 2',
      'connection: close',
      '\r\n',
    );
    // The BFF has counted the request, and thus looked up the session.
    await vi.waitFor(async () =>
      expect(await inRedis(test.redis, (client) => client.keys('auth-bff:hits:*'))).toHaveLength(1),
    );
    const replica = afterMs === 0 ? test.second : test.first;
    const other = await test.authService.issue(john);
    await signOut(replica, procedure === 'session.logout' ? access : other.access, procedure);
    nowMs += afterMs;
    connection.send('{}');
    expect(await connection.closed).toMatch(/"reason":"session_ended"/);
  });
});

it.skipIf(!hasRedis())('in a cluster the BFF reads the rate limit and the sign-out from different nodes', async () => {
  await using one = await startRedis({ isCluster: true });
  await using other = await startRedis({ isCluster: true });
  await inRedis(one, (client) => client.call('CLUSTER', 'DELSLOTSRANGE', '8192', '16383'));
  await inRedis(other, (client) => client.call('CLUSTER', 'DELSLOTSRANGE', '0', '8191'));
  await inRedis(one, (client) => client.call('CLUSTER', 'MEET', '127.0.0.1', String(other.port)));
  for (const node of [one, other]) {
    await vi.waitFor(async () => {
      const info = String(await inRedis(node, (client) => client.call('CLUSTER', 'INFO')));
      expect(info).toMatch(/cluster_state:ok\r\n[^]*cluster_slots_ok:16384\r\n[^]*cluster_known_nodes:2\r\n/);
    });
  }
  const clock = createClock();
  const timers = createTimers();
  const options = {
    now: clock.now,
    redisTimeoutMs: patientRedisMs,
    startRedisTimer: timers.start,
    env: { REDIS_URL: `${one.url}?cluster=true`, RATE_LIMIT_PER_MINUTE: '4' },
  };
  await using first = await startApp(options);
  await using second = await startApp({ ...options, upstream: first.authService });
  const keysOf = (node: { url: string }, pattern: string) => inRedis(node, (client) => client.keys(pattern));
  const people = Array.from({ length: 8 }, (_, index) => 2_000_001 + index);
  const outcomes = await Promise.all(
    people.map(async (id) => {
      const { access } = await first.authService.issue({ type: 'staff', id });
      const me = async (app: TestApp) => {
        const answer = await askRaw(app.url, {
          target: '/trpc/session.current',
          headers: { cookie: `access_token=${access}` },
        });
        return answer.status === 200 ? /"state":"(\w+)"/.exec(answer.body)?.[1] : errorOf(answer).reason;
      };
      const before = [await me(first), await me(second)];
      await signOut(first, access);
      return [...before, await me(second), await me(second)];
    }),
  );
  expect(outcomes).toEqual(people.map(() => ['signed_in', 'signed_in', 'signed_out', 'rate_limited']));
  // Each node holds keys of both kinds, of different people.
  for (const node of [one, other]) {
    expect(await keysOf(node, 'auth-bff:hits:*')).not.toEqual([]);
    expect(await keysOf(node, 'auth-bff:ended:*')).not.toEqual([]);
  }
});
