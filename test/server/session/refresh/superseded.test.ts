import { describe, expect, it, vi } from 'vitest';
import { hasRedis, startRedis } from '../../../support/redis/redis.ts';
import { startRedisProxy } from '../../../support/redis/redis-proxy.ts';
import { createClock, startApp, type StartAppOptions } from '../../../support/app/start-app.ts';
import { heldBy, patientRedisMs } from '../../../support/processes/start-replicas.ts';
import { createTimers } from '../../../support/time/timers.ts';
import { hold } from '../../../support/time/hold.ts';

/** Two replicas over one Redis. The second asks whether a token was exchanged only once a test says so. */
const startHeld = async (options: Pick<StartAppOptions, 'authService'> = {}) => {
  const redis = await startRedis();
  let heldLooks = 0;
  const { until: released, release } = hold();
  let isHolding = true;
  const proxy = await startRedisProxy({
    port: redis.port,
    hold: (sent) => {
      if (!isHolding || !/\r\nexists\r\n.*:exchanged\r\n/is.test(sent)) return null;
      heldLooks += 1;
      return released;
    },
  });
  const clock = createClock();
  const common = { now: clock.now, redisTimeoutMs: patientRedisMs, startRedisTimer: createTimers().start };
  const first = await startApp({ ...options, ...common, env: { REDIS_URL: redis.url } });
  const second = await startApp({ ...common, env: { REDIS_URL: proxy.url }, upstream: first.authService });
  const tokens = await first.authService.issue({ type: 'staff', id: 123 });
  const holder = (app: typeof first) => {
    const browser = app.browser();
    browser.holdTokens(tokens);
    return browser;
  };
  return {
    clock,
    first,
    second,
    holder,
    untilHeld: () => vi.waitFor(() => expect(heldLooks).toBe(1)),
    release: () => {
      isHolding = false;
      release();
    },
    async [Symbol.asyncDispose]() {
      isHolding = false;
      release();
      await second[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
};

describe.skipIf(!hasRedis())('a refresh token that reaches two replicas at the same time', () => {
  it('is not superseded if the exchange of the other replica ends between the lookup of the result and that of the exchange', async () => {
    await using test = await startHeld();
    const late = test.holder(test.second);
    const refreshing = late.trpc.session.refresh.mutate();
    await test.untilHeld();
    const winner = test.holder(test.first);
    await winner.trpc.session.refresh.mutate();
    test.release();
    expect((await refreshing).user.id).toBe(123);
    expect(heldBy(late)).toEqual(heldBy(winner));
    expect(test.first.authService.count('refresh')).toBe(1);
  });

  it('keeps its result for 30 seconds if it expires right after the exchange', async () => {
    await using test = await startHeld({ authService: { refreshLifetimeSeconds: 60 } });
    test.release();
    test.clock.advance(59_000);
    const winner = test.holder(test.first);
    await winner.trpc.session.refresh.mutate();
    test.clock.advance(1_000);
    const late = test.holder(test.second);
    expect((await late.trpc.session.refresh.mutate()).user.id).toBe(123);
    expect(heldBy(late)).toEqual(heldBy(winner));
    expect(test.first.authService.count('refresh')).toBe(1);
  });
});
