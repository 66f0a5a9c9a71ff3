import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createMemoryTryCounter } from '../../../server/src/rate-limit/memory-try-counter.ts';
import { createRedisTryCounter } from '../../../server/src/rate-limit/redis-try-counter.ts';
import type { TryCounter } from '../../../server/src/rate-limit/try-counter.ts';
import { createRedisGuard } from '../../../server/src/platform/redis/redis-guard.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';
import { createClock } from '../../support/app/start-app.ts';

type Started = AsyncDisposable & {
  counter: TryCounter;
  /** Ends the window of a name, as time would. */
  endWindow: (name: string) => Promise<void>;
};

const windowMs = 60_000;

const startInMemory = async (): Promise<Started> => {
  const clock = createClock();
  return {
    counter: createMemoryTryCounter({ now: clock.now }),
    endWindow: async () => clock.advance(windowMs),
    [Symbol.asyncDispose]: async () => {},
  };
};

const startInRedis = async (): Promise<Started> => {
  const server = await startRedis();
  const redis = new Redis(server.url);
  // Any machine answers within that.
  const redisGuard = createRedisGuard({ redis, timeoutMs: 60_000 });
  const fallback = createMemoryTryCounter({ now: Date.now, maxWindows: 1 });
  return {
    counter: createRedisTryCounter({ redisGuard, fallback, prefix: 'test:' }),
    endWindow: async (name) => void (await redis.pexpire(`test:tries:${name}`, 0)),
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
};

describe.each([['in memory', startInMemory], ...(hasRedis() ? ([['in Redis', startInRedis]] as const) : [])] as const)(
  'tries that are counted %s',
  (_name, start) => {
    it('fill their window, and no try beyond counts', async () => {
      await using test = await start();
      const outcomes = [];
      for (let tries = 0; tries < 5; tries += 1) {
        const { isCounted, count } = await test.counter.reserve('one', { max: 3, windowMs });
        outcomes.push([isCounted, count]);
      }
      expect(outcomes).toEqual([
        [true, 1],
        [true, 2],
        [true, 3],
        [false, 3],
        [false, 3],
      ]);
      expect((await test.counter.look('one')).count).toBe(3);
      expect(await test.counter.look('other')).toEqual({ count: 0, resetMs: 0 });
    });

    it('do not all fit when they come at once', async () => {
      await using test = await start();
      const all = await Promise.all(
        Array.from({ length: 50 }, async () => test.counter.reserve('one', { max: 8, windowMs })),
      );
      expect(all.filter(({ isCounted }) => isCounted)).toHaveLength(8);
    });

    it('make room when they are taken back, unless they were never counted', async () => {
      await using test = await start();
      const first = await test.counter.reserve('one', { max: 1, windowMs });
      const refused = await test.counter.reserve('one', { max: 1, windowMs });
      await refused.release();
      expect((await test.counter.reserve('one', { max: 1, windowMs })).isCounted).toBe(false);
      await first.release();
      expect((await test.counter.look('one')).count).toBe(0);
      expect((await test.counter.reserve('one', { max: 1, windowMs })).isCounted).toBe(true);
    });

    it('are taken out of their own window alone', async () => {
      await using test = await start();
      const early = await test.counter.reserve('one', { windowMs });
      await test.endWindow('one');
      await early.release();
      expect((await test.counter.look('one')).count).toBe(0);
      await test.counter.reserve('one', { windowMs });
      await early.release();
      expect((await test.counter.look('one')).count).toBe(1);
    });

    it('begin a new window once theirs has ended, for as many as before', async () => {
      await using test = await start();
      await test.counter.reserve('one', { max: 1, windowMs });
      await test.endWindow('one');
      expect(await test.counter.reserve('one', { max: 1, windowMs })).toMatchObject({ isCounted: true, count: 1 });
    });

    it('may have no room at all, which leaves nothing behind', async () => {
      await using test = await start();
      expect(await test.counter.reserve('one', { max: 0, windowMs })).toMatchObject({ isCounted: false, count: 0 });
      expect((await test.counter.look('one')).count).toBe(0);
    });
  },
);

describe('the window of tries in memory', () => {
  const start = () => {
    const clock = createClock();
    const counter = createMemoryTryCounter({ now: clock.now });
    const reserve = async (restartOn: 'none' | 'counted' | 'any') => {
      const { isCounted, resetMs } = await counter.reserve(restartOn, { max: 2, windowMs, restartOn });
      return [isCounted, resetMs];
    };
    return { clock, reserve };
  };

  it.each([
    ['none', [60_000, 40_000, 20_000, 60_000]],
    ['counted', [60_000, 60_000, 40_000, 20_000]],
    ['any', [60_000, 60_000, 60_000, 60_000]],
  ] as const)('ends that long after its first try, its last one, or the last of any: %s', async (restartOn, left) => {
    const { clock, reserve } = start();
    const seen = [];
    for (let tries = 0; tries < 4; tries += 1) {
      seen.push((await reserve(restartOn))[1]);
      clock.advance(20_000);
    }
    expect(seen).toEqual(left);
  });

  it('is no longer, and not forgotten, after the clock was set back', async () => {
    const { clock, reserve } = start();
    await reserve('none');
    await reserve('none');
    clock.advance(-30_000);
    expect(await reserve('none')).toEqual([false, 60_000]);
    clock.advance(60_000);
    expect(await reserve('none')).toEqual([true, 60_000]);
  });
});

describe.skipIf(!hasRedis())('the window of tries in Redis', () => {
  it.each([
    ['none', false, false],
    ['counted', true, false],
    ['any', true, true],
  ] as const)('is restarted by counted tries or by any: %s', async (restartOn, byCounted, byRefused) => {
    await using server = await startRedis();
    const redis = new Redis(server.url);
    const counter = createRedisTryCounter({
      redisGuard: createRedisGuard({ redis, timeoutMs: 60_000 }),
      fallback: createMemoryTryCounter({ now: Date.now }),
      prefix: 'test:',
    });
    const reserve = async () => {
      // Far less is left of the window than any machine takes for the next command.
      await redis.pexpire('test:tries:one', 10_000_000);
      return (await counter.reserve('one', { max: 2, windowMs: 20_000_000, restartOn })).resetMs > 10_000_000;
    };
    await counter.reserve('one', { max: 2, windowMs: 20_000_000, restartOn });
    expect([await reserve(), await reserve()]).toEqual([byCounted, byRefused]);
    redis.disconnect();
  });
});
