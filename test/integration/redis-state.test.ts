import { describe, expect, it, vi } from 'vitest';
import type { AppOptions } from '../../server/src/app-options.ts';
import { startApp, type TestApp } from '../support/app/start-app.ts';
import { inRedis } from '../support/redis/in-redis.ts';
import { hasRedis, type RedisServer, startRedis } from '../support/redis/redis.ts';
import { createTimers } from '../support/time/timers.ts';

const stateOf = async (app: TestApp): Promise<unknown> =>
  ((await (await fetch(`${app.url}/health/ready`)).json()) as { redis: unknown }).redis;
const linesOf = (app: TestApp, message: RegExp) => app.logLines.filter(({ msg }) => message.test(String(msg)));
const never = () => () => {};

/** A BFF without traffic, whose checks of Redis run when the test fires their timers. */
const start = async (redis: Pick<RedisServer, 'url'>, options: Partial<AppOptions> = {}) => {
  const checks = createTimers();
  const app = await startApp({
    env: { REDIS_URL: redis.url },
    redisTimeoutMs: 30_000,
    startRedisTimer: never,
    startWriteCheckTimer: checks.start,
    ...options,
  });
  return { app, checks, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};

type Refusal = [name: string, refuse: string[], accept: string[], cause: RegExp];

describe.skipIf(!hasRedis())(
  'a Redis that answers PING but rejects writes or scripts is refusing, without any traffic,',
  () => {
    it.each<Refusal>([
      ['because it is full', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0'], /^OOM /],
      [
        'because it has too few replicas',
        ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
        ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
        /^NOREPLICAS /,
      ],
      [
        'because its user may not run scripts',
        ['ACL', 'SETUSER', 'default', '-@scripting'],
        ['ACL', 'SETUSER', 'default', '+@scripting'],
        /^NOPERM /,
      ],
    ])(
      '%s, from the start and from a later check, until it accepts them again',
      async (_name, refuse, accept, cause) => {
        await using redis = await startRedis();
        const call = (args: string[]) => inRedis(redis, (client) => client.call(args[0] ?? '', ...args.slice(1)));
        await call(refuse);
        await using test = await start(redis);
        expect(await inRedis(redis, (client) => client.ping())).toBe('PONG');
        expect(await stateOf(test.app)).toBe('refusing');
        const metrics = await (await fetch(`${await test.app.app.listenOps()}/metrics`)).text();
        expect(metrics).toContain('\nauth_bff_redis_up 0\n');
        expect(metrics).toContain('\nauth_bff_redis_state{state="refusing"} 1\n');
        expect(metrics).toContain('\nauth_bff_redis_state{state="up"} 0\n');
        expect(linesOf(test.app, /^Redis rejected a command/)).toMatchObject([{ cause: expect.stringMatching(cause) }]);

        await call(accept);
        expect(await stateOf(test.app)).toBe('refusing');
        test.checks.fire();
        await vi.waitFor(async () => expect(await stateOf(test.app)).toBe('up'));
        expect(linesOf(test.app, /^Redis accepts writes again/)).toHaveLength(1);

        await call(refuse);
        test.checks.fire();
        await vi.waitFor(async () => expect(await stateOf(test.app)).toBe('refusing'));
        expect(test.checks.fired()).toEqual([1_000, 30_000]);
      },
    );
  },
);

describe.skipIf(!hasRedis())('the check of Redis', () => {
  it('runs at once if a call finds that Redis rejects writes', async () => {
    await using redis = await startRedis();
    let aheadMs = 0;
    await using test = await start(redis, { monotonicNow: () => performance.now() + aheadMs });
    expect(await stateOf(test.app)).toBe('up');
    await inRedis(redis, (client) => client.config('SET', 'min-replicas-to-write', '1'));
    aheadMs = 1_000;
    const browser = test.app.browser();
    browser.holdTokens(await test.app.authService.issue({ type: 'staff', id: 5 }));
    await browser.trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician' }).catch(() => {});
    await vi.waitFor(async () => expect(await stateOf(test.app)).toBe('refusing'));
    expect(test.checks.fired()).toEqual([]);
  });

  it('notices a Redis that hangs, and that it continues', async () => {
    await using redis = await startRedis();
    const guardTimers = createTimers();
    await using test = await start(redis, { startRedisTimer: guardTimers.start });
    redis.pause();
    test.checks.fire();
    await vi.waitFor(async () => {
      guardTimers.fire();
      expect(await stateOf(test.app)).toBe('away');
    });
    redis.resume();
    await vi.waitFor(async () => {
      test.checks.fire();
      expect(await stateOf(test.app)).toBe('up');
    });
  });

  it('runs after a reconnect: the new server may be read-only', async () => {
    await using redis = await startRedis();
    await using test = await start(redis);
    await redis.stop();
    await vi.waitFor(async () => expect(await stateOf(test.app)).toBe('away'));
    await redis.start();
    await inRedis(redis, (client) => client.config('SET', 'min-replicas-to-write', '1'));
    await inRedis(redis, (client) => client.client('KILL', 'TYPE', 'normal'));
    await vi.waitFor(async () => expect(await stateOf(test.app)).toBe('refusing'));
    expect(test.checks.fired()).toEqual([]);
  });

  it('writes one key under REDIS_PREFIX, which expires within a minute', async () => {
    await using redis = await startRedis();
    await using test = await start(redis);
    expect(await stateOf(test.app)).toBe('up');
    await inRedis(redis, async (client) => {
      const written = (await client.keys('*')).filter((key) => !key.endsWith('replicas:keys'));
      expect(written).toEqual(['auth-bff:write-check']);
      expect(await client.pttl('auth-bff:write-check')).toBeGreaterThan(0);
      expect(await client.pttl('auth-bff:write-check')).toBeLessThanOrEqual(60_000);
    });
  });

  it('finds one full master among those of a cluster', async () => {
    await using redis = await startRedis({ isCluster: true });
    await inRedis(redis, (client) => client.config('SET', 'maxmemory', '1'));
    await using test = await start({ url: `${redis.url}?cluster=true` });
    await vi.waitFor(async () => expect(await stateOf(test.app)).toBe('refusing'));
    await inRedis(redis, (client) => client.config('SET', 'maxmemory', '0'));
    test.checks.fire();
    await vi.waitFor(async () => expect(await stateOf(test.app)).toBe('up'));
  });
});
