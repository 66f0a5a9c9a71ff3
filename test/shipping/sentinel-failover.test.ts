import { describe, expect, it, vi } from 'vitest';
import { startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { apiKey, signingKey } from '../support/app/start-app.ts';
import { freePort } from '../support/processes/run-process.ts';
import { inRedis } from '../support/redis/in-redis.ts';
import { hasRedis } from '../support/redis/redis.ts';
import { type SentinelDeployment, startSentinel } from '../support/redis/start-sentinel.ts';
import { createFailoverLoad, type FailoverLoad, type LoadCall } from './failover-load.ts';
import { imageOf } from './images.ts';
import { startContainer } from './start-container.ts';
import { serviceEnvironment } from '../support/processes/service-environment.ts';

const callsPerSecond = 200;
/** Calls before the failover, and after it. */
const callsBefore = 800;
const callsAfter = 1_000;
const longestMs = 5_000;
/** A busy machine makes fewer calls a second. */
const timeoutMs = 300_000;

/** Two replicas as processes over Redis with Sentinel. */
const start = async () => {
  const redis = await startSentinel();
  const authService = await startAuthService({ signingKey, apiKey });
  const ports = [await freePort(), await freePort()];
  const replicas = ports.map((port) =>
    startContainer({
      image: imageOf('production'),
      env: serviceEnvironment(authService.url, {
        HOST: '127.0.0.1',
        PORT: String(port),
        SEALING_KEY: 'sealing-key-of-the-failover-test-0123456789',
        REDIS_URL: redis.url,
      }),
    }),
  );
  await Promise.all(replicas.map((replica) => replica.printed(/"msg":"Listening\."/)));
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  return {
    redis,
    replicas,
    urls,
    load: await createFailoverLoad({ urls, authService, callsPerSecond }),
    states: () =>
      Promise.all(
        urls.map(async (url) => ((await (await fetch(`${url}/health/ready`)).json()) as { redis: string }).redis),
      ),
    async [Symbol.asyncDispose]() {
      for (const replica of replicas) await replica[Symbol.asyncDispose]();
      await authService.close();
      await redis[Symbol.asyncDispose]();
    },
  };
};
type Test = Awaited<ReturnType<typeof start>>;

/** Lets the load run, fails over in its middle, and returns the moment of the failover. */
const failOver = async ({ load, redis }: Test, act: (redis: SentinelDeployment) => Promise<unknown>) => {
  let actedAtMs = 0;
  const scenario = async () => {
    await load.untilCalls(callsBefore);
    const before = await redis.primaryPort();
    actedAtMs = performance.now();
    await act(redis);
    await vi.waitFor(async () => expect(await redis.primaryPort()).not.toBe(before), { timeout: 60_000, interval: 50 });
    await load.untilCalls(callsAfter);
  };
  const { callsPerSecond: rate } = await load.run(scenario());
  process.stderr.write(`${rate} calls a second\n`);
  return actedAtMs;
};

const countBy = (calls: readonly LoadCall[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { kind, reason } of calls) {
    const name = `${kind} ${reason ?? 'ok'}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};

/** Milliseconds for which turns fail after the failover. Only turns may fail, only with `store_unavailable`, and only after it. */
const refusedMsOf = ({ calls }: FailoverLoad, actedAtMs: number): number => {
  // A replica that gets too little processor time refuses calls, which has nothing to do with Redis.
  const failed = calls.filter(({ reason }) => reason !== null && reason !== 'overloaded');
  expect(
    [...new Set(failed.map(({ kind, reason }) => `${kind} ${reason}`))].filter(
      (one) => one !== 'next store_unavailable',
    ),
  ).toEqual([]);
  expect(failed.filter(({ endMs }) => endMs < actedAtMs)).toEqual([]);
  const lastRefusedMs = Math.max(actedAtMs, ...failed.map(({ startMs }) => startMs));
  expect(calls.some(({ kind, reason, startMs }) => kind === 'next' && reason === null && startMs > lastRefusedMs)).toBe(
    true,
  );
  const refusedMs = Math.round(lastRefusedMs - actedAtMs);
  process.stderr.write(`Turns were refused for ${refusedMs} ms: ${JSON.stringify(countBy(calls))}\n`);
  return refusedMs;
};

/** Nobody is signed out except those who signed out, on both replicas and for good. */
const expectSessionsKept = async ({ load }: Test) => {
  expect(load.sessions.filter(({ isSignedOut }) => isSignedOut).length).toBeGreaterThan(10);
  for (const { browsers, hold, tokens, isSignedOut } of load.sessions) {
    // As somebody who kept the cookies of a session that was signed out.
    if (isSignedOut) hold(tokens);
    const outcomes = await Promise.all(
      browsers.map(({ trpc }) =>
        trpc.session.me.query().then(
          () => 'signed in',
          (error: { data?: { reason?: string } }) => error.data?.reason,
        ),
      ),
    );
    expect(outcomes).toEqual(browsers.map(() => (isSignedOut ? 'session_ended' : 'signed in')));
    const [first] = browsers;
    const refresh = first?.trpc.session.refresh.mutate().then(
      () => 'refreshed',
      (error: { data?: { reason?: string } }) => error.data?.reason,
    );
    expect(await refresh).toBe(isSignedOut ? 'session_ended' : 'refreshed');
  }
};

/** Each key has one person, unless its turn was given so shortly before the failover that no replica had it. */
const expectTurnsKept = async ({ load, redis }: Test, actedAtMs: number) => {
  const session = load.sessions.find(({ isSignedOut }) => !isSignedOut);
  const moved: number[] = [];
  for (const { key, assignee, endMs } of load.turns) {
    const again = await session?.browsers[0]?.trpc.assignments.next.mutate({ ...load.technicians, key });
    if (again?.assignee?.id !== assignee) moved.push(actedAtMs - endMs);
  }
  // Sentinels that elect twice lose the turns that the first elected server has taken.
  process.stderr.write(`Elections: ${await redis.elections()}\n`);
  // Positive: milliseconds before the failover. Without a failover that may lose turns, none may be lost.
  expect(moved.filter((beforeMs) => beforeMs < 0 || beforeMs > 1_000)).toEqual([]);
};

describe.skipIf(!hasRedis())(
  'under 200 requests a second, only turns are refused, for at most 5 s, and nobody is signed out',
  { timeout: timeoutMs },
  () => {
    it('if the primary is killed, and it returns as a replica', async () => {
      await using test = await start();
      let killed = 0;
      const actedAtMs = await failOver(test, async (redis) => {
        killed = await redis.primaryPort();
        await redis.serverAt(killed).stop('SIGKILL');
      });
      expect(refusedMsOf(test.load, actedAtMs)).toBeLessThanOrEqual(longestMs);
      await test.redis.serverAt(killed).start();
      await vi.waitFor(
        async () =>
          expect(
            await inRedis({ url: `redis://127.0.0.1:${killed}` }, (client) => client.info('replication')),
          ).toContain('role:slave'),
        { timeout: 60_000, interval: 100 },
      );
      expect(await test.states()).toEqual(['up', 'up']);
      await expectSessionsKept(test);
      await expectTurnsKept(test, actedAtMs);
    });

    it('if the primary hangs, and it continues after another one has taken its place', async () => {
      await using test = await start();
      let hanging = 0;
      const actedAtMs = await failOver(test, async (redis) => {
        hanging = await redis.primaryPort();
        redis.serverAt(hanging).pause();
      });
      expect(refusedMsOf(test.load, actedAtMs)).toBeLessThanOrEqual(longestMs);
      test.redis.serverAt(hanging).resume();
      await expectSessionsKept(test);
      await expectTurnsKept(test, actedAtMs);
      expect(await test.states()).toEqual(['up', 'up']);
    });

    it('if an operator pauses writes and switches the primary, and then no turn is lost', async () => {
      await using test = await start();
      const actedAtMs = await failOver(test, async (redis) => {
        // As in docs/scaling.md.
        await redis.call(await redis.primaryPort(), 'CLIENT', 'PAUSE', '10000', 'WRITE');
        await redis.call(redis.sentinelPorts[0] ?? 0, 'SENTINEL', 'FAILOVER', 'mymaster');
      });
      expect(refusedMsOf(test.load, actedAtMs)).toBeLessThanOrEqual(longestMs);
      await expectSessionsKept(test);
      await expectTurnsKept(test, Number.NEGATIVE_INFINITY);
    });
  },
);
