import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createMemoryAttemptCounter } from '../../../server/src/rate-limit/memory-attempt-counter.ts';
import { createRedisAttemptCounter } from '../../../server/src/rate-limit/redis-attempt-counter.ts';
import type { AttemptCounter } from '../../../server/src/rate-limit/attempt-counter.ts';
import { createRedisGuard } from '../../../server/src/platform/redis/redis-guard.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';
import { createClock } from '../../support/app/start-app.ts';

type Started = AsyncDisposable & {
  counter: AttemptCounter;
  /** Ends the window of a name. */
  endWindow: (name: string) => Promise<void>;
};

const windowMs = 60_000;

const startInMemory = async (): Promise<Started> => {
  const clock = createClock();
  return {
    counter: createMemoryAttemptCounter({ now: clock.now }),
    endWindow: async () => clock.advance(windowMs),
    [Symbol.asyncDispose]: async () => {},
  };
};

const startInRedis = async (): Promise<Started> => {
  const server = await startRedis();
  const redis = new Redis(server.url);
  // Long enough for any machine.
  const redisGuard = createRedisGuard({ redis, timeoutMs: 60_000 });
  const fallback = createMemoryAttemptCounter({ now: Date.now, maxWindows: 1 });
  return {
    counter: createRedisAttemptCounter({ redisGuard, fallback, prefix: 'test:' }),
    endWindow: async (name) => void (await redis.pexpire(`test:tries:${name}`, 0)),
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
};

describe.each([['in memory', startInMemory], ...(hasRedis() ? ([['in Redis', startInRedis]] as const) : [])] as const)(
  'the attempt counter %s',
  (_name, start) => {
    it('counts attempts up to the maximum and rejects the rest of the window', async () => {
      await using test = await start();
      const outcomes = [];
      for (let attempts = 0; attempts < 5; attempts += 1) {
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
      expect((await test.counter.read('one')).count).toBe(3);
      expect(await test.counter.read('other')).toEqual({ count: 0, resetMs: 0 });
    });

    it('accepts only the maximum of 50 parallel attempts', async () => {
      await using test = await start();
      const all = await Promise.all(
        Array.from({ length: 50 }, async () => test.counter.reserve('one', { max: 8, windowMs })),
      );
      expect(all.filter(({ isCounted }) => isCounted)).toHaveLength(8);
    });

    it('frees a place when a counted attempt is released, but not when a rejected one is', async () => {
      await using test = await start();
      const first = await test.counter.reserve('one', { max: 1, windowMs });
      const refused = await test.counter.reserve('one', { max: 1, windowMs });
      await refused.release();
      expect((await test.counter.reserve('one', { max: 1, windowMs })).isCounted).toBe(false);
      await first.release();
      expect((await test.counter.read('one')).count).toBe(0);
      expect((await test.counter.reserve('one', { max: 1, windowMs })).isCounted).toBe(true);
    });

    it('ignores a release after the window of the attempt has ended', async () => {
      await using test = await start();
      const early = await test.counter.reserve('one', { windowMs });
      await test.endWindow('one');
      await early.release();
      expect((await test.counter.read('one')).count).toBe(0);
      await test.counter.reserve('one', { windowMs });
      await early.release();
      expect((await test.counter.read('one')).count).toBe(1);
    });

    it('begins a new window with the full maximum once the window has ended', async () => {
      await using test = await start();
      await test.counter.reserve('one', { max: 1, windowMs });
      await test.endWindow('one');
      expect(await test.counter.reserve('one', { max: 1, windowMs })).toMatchObject({ isCounted: true, count: 1 });
    });

    it('rejects every attempt and stores nothing if the maximum is 0', async () => {
      await using test = await start();
      expect(await test.counter.reserve('one', { max: 0, windowMs })).toMatchObject({ isCounted: false, count: 0 });
      expect((await test.counter.read('one')).count).toBe(0);
    });
  },
);

describe('a window of the attempt counter in memory', () => {
  const start = () => {
    const clock = createClock();
    const counter = createMemoryAttemptCounter({ now: clock.now });
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
  ] as const)(
    'ends windowMs after its first attempt, its last counted one, or its last one (restartOn: %s)',
    async (restartOn, left) => {
      const { clock, reserve } = start();
      const seen = [];
      for (let attempts = 0; attempts < 4; attempts += 1) {
        seen.push((await reserve(restartOn))[1]);
        clock.advance(20_000);
      }
      expect(seen).toEqual(left);
    },
  );

  it('keeps its length and its count after the clock was set back', async () => {
    const { clock, reserve } = start();
    await reserve('none');
    await reserve('none');
    clock.advance(-30_000);
    expect(await reserve('none')).toEqual([false, 60_000]);
    clock.advance(60_000);
    expect(await reserve('none')).toEqual([true, 60_000]);
  });
});

describe.skipIf(!hasRedis())('a window of the attempt counter in Redis', () => {
  it.each([
    ['none', false, false],
    ['counted', true, false],
    ['any', true, true],
  ] as const)('is restarted as restartOn: %s says', async (restartOn, byCounted, byRefused) => {
    await using server = await startRedis();
    const redis = new Redis(server.url);
    const counter = createRedisAttemptCounter({
      redisGuard: createRedisGuard({ redis, timeoutMs: 60_000 }),
      fallback: createMemoryAttemptCounter({ now: Date.now }),
      prefix: 'test:',
    });
    const reserve = async () => {
      // The remaining time exceeds the duration of the next command on any machine.
      await redis.pexpire('test:tries:one', 10_000_000);
      return (await counter.reserve('one', { max: 2, windowMs: 20_000_000, restartOn })).resetMs > 10_000_000;
    };
    await counter.reserve('one', { max: 2, windowMs: 20_000_000, restartOn });
    expect([await reserve(), await reserve()]).toEqual([byCounted, byRefused]);
    redis.disconnect();
  });
});
