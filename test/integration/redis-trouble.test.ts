import { describe, expect, it, vi } from 'vitest';
import { type Browser, reasonOf } from '../support/app/browser.ts';
import { holdEndpoint } from '../support/auth-service/hold-endpoint.ts';
import { hasRedis, startRedis } from '../support/redis/redis.ts';
import { commandsIn, startRedisProxy } from '../support/redis/redis-proxy.ts';
import { createClock, signingKey, startApp, type TestApp } from '../support/app/start-app.ts';
import {
  heldBy,
  patientRedisMs,
  type Replicas,
  startHeldReplicas as start,
} from '../support/processes/start-replicas.ts';
import { createTimers } from '../support/time/timers.ts';
import { staffToken } from '../support/token/tokens.ts';
import { john } from '../support/app/people.ts';
import { inRedis } from '../support/redis/in-redis.ts';

const me = (browser: Browser) =>
  browser.trpc.session.me.query().then(
    () => 'answered',
    (error: { data?: { reason?: string } }) => error.data?.reason,
  );

const refuseWrites = (test: Pick<Replicas, 'redis'>) =>
  inRedis(test.redis, (client) => client.config('SET', 'min-replicas-to-write', '1'));
const redisOf = async (app: TestApp) =>
  ((await (await fetch(`${app.url}/health/ready`)).json()) as { redis: string }).redis;
const linesOf = (app: TestApp, message: RegExp) => app.logLines.filter(({ msg }) => message.test(String(msg)));

describe.skipIf(!hasRedis())('while Redis rejects writes', () => {
  it('a replica still enforces a stored sign-out, and logs the rejected command once', async () => {
    await using test = await start();
    await test.holder(test.first).trpc.session.logout.mutate();
    await refuseWrites(test);
    for (let call = 0; call < 5; call += 1) expect(await me(test.holder(test.second))).toBe('session_ended');
    const lines = linesOf(test.second, /^Redis rejected/);
    expect(lines.map(({ cause }) => String(cause).split(' ')[0])).toEqual(['NOREPLICAS']);
  });

  it('a sign-out is written once Redis accepts writes again', async () => {
    await using test = await start();
    await refuseWrites(test);
    await test.holder(test.first).trpc.session.logout.mutate();
    const other = test.holder(test.first, await test.authService.issue(john));
    // Each of these calls retries the write.
    for (let call = 0; call < 3; call += 1) expect(await me(other)).toBe('answered');
    await inRedis(test.redis, (client) => client.config('SET', 'min-replicas-to-write', '0'));
    await vi.waitFor(async () => {
      expect(await me(other)).toBe('answered');
      expect(await me(test.holder(test.second))).toBe('session_ended');
    });
  });
});

describe.skipIf(!hasRedis())('a sign-out', () => {
  it('is written once Redis is back, even if no further request arrives', async () => {
    await using test = await start();
    await test.redis.stop();
    await test.holder(test.first).trpc.session.logout.mutate();
    await test.redis.start();
    await vi.waitFor(async () => expect(await me(test.holder(test.second))).toBe('session_ended'));
  });

  it('that a replica has read once is enforced by it while Redis is down', async () => {
    await using test = await start();
    await test.holder(test.first).trpc.session.logout.mutate();
    expect(await me(test.holder(test.second))).toBe('session_ended');
    await test.redis.stop();
    expect(await me(test.holder(test.second))).toBe('session_ended');
    expect(await reasonOf(test.holder(test.second).trpc.session.refresh.mutate())).toBe('session_ended');
    expect(test.authService.count('refresh')).toBe(0);
  });

  it('at one replica wins over a refresh at the other that began while Redis was down', async () => {
    await using test = await start();
    await test.redis.stop();
    const gate = holdEndpoint(test.authService, 'refresh');
    const browser = test.holder(test.first);
    const refresh = reasonOf(browser.trpc.session.refresh.mutate());
    await gate.held;
    await test.redis.start();
    for (const app of [test.first, test.second]) {
      await vi.waitFor(async () => expect(await redisOf(app)).toBe('up'));
    }
    await test.holder(test.second).trpc.session.logout.mutate();
    await vi.waitFor(async () =>
      expect(await inRedis(test.redis, (client) => client.keys('*:ended:*'))).not.toEqual([]),
    );
    gate.release();
    expect(await refresh).toBe('session_ended');
    expect(browser.setCookies).toEqual([]);
  });
});

describe.skipIf(!hasRedis())('a refresh', () => {
  it('that the Auth Service rejects because another outlived its lock returns the result of the other', async () => {
    await using test = await start();
    const firstGate = holdEndpoint(test.authService, 'refresh');
    const slow = test.holder(test.first);
    const winner = slow.trpc.session.refresh.mutate();
    await firstGate.held;
    // The lock expires after 7 s.
    expect(await inRedis(test.redis, async (client) => client.del(await client.keys('*:lock')))).toBe(1);
    const secondGate = holdEndpoint(test.authService, 'refresh');
    const late = test.holder(test.second);
    const loser = late.trpc.session.refresh.mutate();
    await secondGate.held;
    firstGate.release();
    await winner;
    // The late refresh holds the lock now.
    expect(await inRedis(test.redis, (client) => client.keys('*:lock'))).toHaveLength(1);
    secondGate.release();
    expect((await loser).user.id).toBe(123);
    expect(heldBy(late)).toEqual(heldBy(slow));
  });

  it('takes the lock right after Redis responds again', async () => {
    await using test = await start();
    test.redis.pause();
    for (const app of [test.first, test.second]) {
      expect(await test.redisTimers.fireUntil(me(test.holder(app)))).toBe('answered');
    }
    test.redis.resume();
    await Promise.all([test.first, test.second].map((app) => test.holder(app).trpc.session.refresh.mutate()));
    expect(test.authService.count('refresh')).toBe(1);
  });

  it('that waits for another when Redis stops makes no upstream request and ends no session', async () => {
    await using test = await start();
    const gate = holdEndpoint(test.authService, 'refresh');
    const winner = test.holder(test.first).trpc.session.refresh.mutate();
    await gate.held;
    const waiting = test.holder(test.second);
    const loser = reasonOf(waiting.trpc.session.refresh.mutate());
    // The waiting refresh polls the lock.
    const claims = () =>
      inRedis(test.redis, async (client) =>
        Number((await client.info('commandstats')).match(/cmdstat_evalsha:calls=(\d+)/)?.[1] ?? 0),
      );
    const before = await claims();
    await vi.waitFor(async () => expect(await claims()).toBeGreaterThan(before + 3));
    await test.redis.stop();
    expect(await loser).toBe('store_unavailable');
    expect(waiting.setCookies).toEqual([]);
    gate.release();
    expect((await winner).user.id).toBe(123);
    expect(test.authService.count('refresh')).toBe(1);
  });

  it('works after Redis has lost its script cache', async () => {
    await using test = await start();
    await test.holder(test.first).trpc.session.refresh.mutate();
    await inRedis(test.redis, (client) => client.script('FLUSH'));
    const tokens = await test.authService.issue(john);
    const browsers = Array.from({ length: 20 }, (_, index) =>
      test.holder(index % 2 === 0 ? test.first : test.second, tokens),
    );
    await Promise.all(browsers.map((browser) => browser.trpc.session.refresh.mutate()));
    expect(test.authService.count('refresh')).toBe(2);
  });
});

it.skipIf(!hasRedis())(
  'a sign-out remains in force after a change of the signing key if the sealing key stays',
  async () => {
    await using test = await start();
    const browser = test.holder(test.first);
    await browser.trpc.session.logout.mutate();
    const changed = {
      REDIS_URL: test.redis.url,
      DJANGO_JWT_SIGNING_KEY: 'another-signing-key-that-is-long-enough',
      DJANGO_JWT_SIGNING_KEY_PREVIOUS: signingKey,
    };
    await using app = await startApp({
      now: test.clock.now,
      upstream: test.authService,
      env: { ...changed, SEALING_KEY: signingKey },
      redisTimeoutMs: patientRedisMs,
      startRedisTimer: test.redisTimers.start,
    });
    expect(await me(test.holder(app))).toBe('session_ended');
  },
);

it.skipIf(!hasRedis())('the Redis keys of a token without a practical expiry live for 400 days at most', async () => {
  await using test = await start();
  const exp = 253_402_300_799;
  const held = {
    access: staffToken(test.clock.now(), { exp }, signingKey),
    refresh: staffToken(test.clock.now(), { exp, token_type: 'refresh' }, signingKey),
  };
  await test.holder(test.first, held).trpc.session.refresh.mutate();
  await test.holder(test.first, held).trpc.session.logout.mutate();
  const lifetimesMs = await inRedis(test.redis, async (client) =>
    Promise.all((await client.keys('auth-bff:*')).map((key) => client.pttl(key))),
  );
  expect(lifetimesMs.filter((ms) => ms > 300 * 86_400_000).length).toBeGreaterThan(3);
  expect(lifetimesMs.filter((ms) => ms < 0 || ms > 400 * 86_400_000)).toEqual([]);
});

describe.skipIf(!hasRedis())('a Redis that accepts connections but does not respond', () => {
  const startBehindProxy = async () => {
    const redis = await startRedis();
    const proxy = await startRedisProxy({ port: redis.port });
    const timers = createTimers();
    let nowMs = 0;
    const app = await startApp({
      now: createClock().now,
      monotonicNow: () => nowMs,
      env: { REDIS_URL: proxy.url },
      redisTimeoutMs: patientRedisMs,
      startRedisTimer: timers.start,
    });
    const tokens = await app.authService.issue(john);
    const call = () => {
      const browser = app.browser();
      browser.holdTokens(tokens);
      return me(browser);
    };
    return {
      proxy,
      app,
      call,
      /** Makes `count` concurrent calls, and fires the timeouts of those that wait for Redis. */
      callInSilence: (count = 1) => timers.fireUntil(Promise.all(Array.from({ length: count }, call))),
      advance: (ms: number) => {
        nowMs += ms;
      },
      async [Symbol.asyncDispose]() {
        await app[Symbol.asyncDispose]();
        await proxy[Symbol.asyncDispose]();
        await redis[Symbol.asyncDispose]();
      },
    };
  };
  it('is probed by one call at a time', async () => {
    await using test = await startBehindProxy();
    expect(await test.call()).toBe('answered');
    test.proxy.silence();
    expect(await test.callInSilence()).toEqual(['answered']);
    // A call sends two commands: the rate-limit count and the session look-up.
    await vi.waitFor(() => expect(commandsIn(test.proxy.swallowed())).toBe(2));
    test.advance(1_000);
    await test.callInSilence(20);
    await vi.waitFor(() => expect(commandsIn(test.proxy.swallowed())).toBe(4));
    // After a complete HTTP request, all commands that were sent have arrived at the proxy.
    await fetch(`${test.app.url}/health/live`);
    expect(commandsIn(test.proxy.swallowed())).toBe(4);
  });

  it('is detected as back by the health check alone', async () => {
    await using test = await start();
    test.redis.pause();
    expect(await test.redisTimers.fireUntil(me(test.holder(test.first)))).toBe('answered');
    expect(await redisOf(test.first)).toBe('away');
    test.redis.resume();
    await vi.waitFor(async () => expect(await redisOf(test.first)).toBe('up'));
  });

  it('is reported by the log and the health check, and is reconnected after 5 s', async () => {
    await using test = await startBehindProxy();
    expect(await test.call()).toBe('answered');
    test.proxy.silence();
    expect(await test.callInSilence()).toEqual(['answered']);
    expect(await redisOf(test.app)).toBe('away');
    expect(linesOf(test.app, /^Redis is down/)).toHaveLength(1);
    // One connection for commands, and one that subscribes to sign-outs.
    expect(test.proxy.connections()).toBe(2);

    test.advance(5_000);
    expect(await test.callInSilence()).toEqual(['answered']);
    await vi.waitFor(async () => expect(await redisOf(test.app)).toBe('up'));
    await vi.waitFor(() => expect(test.proxy.connections()).toBe(4));
    expect(linesOf(test.app, /^Redis is back/)).toHaveLength(1);
  });
});
