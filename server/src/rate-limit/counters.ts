import type { Platform } from '../platform/platform.ts';
import type { FixedWindowCounter } from './fixed-window-counter.ts';
import { createMemoryFixedWindowCounter } from './memory-fixed-window-counter.ts';
import { createMemoryAttemptCounter } from './memory-attempt-counter.ts';
import { createRedisFixedWindowCounter } from './redis-fixed-window-counter.ts';
import { createRedisAttemptCounter } from './redis-attempt-counter.ts';
import type { AttemptCounter } from './attempt-counter.ts';

export type Counters = { callCounter: FixedWindowCounter; createAttemptCounter: () => AttemptCounter };

/** Counters that the replicas share in Redis, with counters of this process as the fallback, or only the latter without Redis. */
export const createCounters = ({ redis, config, now }: Pick<Platform, 'redis' | 'config' | 'now'>): Counters => {
  const local = createMemoryFixedWindowCounter({ now });
  if (redis === null) return { callCounter: local, createAttemptCounter: () => createMemoryAttemptCounter({ now }) };
  const shared = { redisGuard: redis.guard, prefix: config.redisPrefix };
  return {
    callCounter: createRedisFixedWindowCounter({ ...shared, fallback: local }),
    createAttemptCounter: () => createRedisAttemptCounter({ ...shared, fallback: createMemoryAttemptCounter({ now }) }),
  };
};
