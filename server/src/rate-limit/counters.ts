import type { Platform } from '../platform/platform.ts';
import type { HitCounter } from './hit-counter.ts';
import { createMemoryHitCounter } from './memory-hit-counter.ts';
import { createMemoryTryCounter } from './memory-try-counter.ts';
import { createRedisHitCounter } from './redis-hit-counter.ts';
import { createRedisTryCounter } from './redis-try-counter.ts';
import type { TryCounter } from './try-counter.ts';

export type Counters = { hitCounter: HitCounter; createTryCounter: () => TryCounter };

/** Counters that the replicas share in Redis, with counters of this process as the fallback, or only the latter without Redis. */
export const createCounters = ({ redis, config, now }: Pick<Platform, 'redis' | 'config' | 'now'>): Counters => {
  const localHits = createMemoryHitCounter({ now });
  if (redis === null) return { hitCounter: localHits, createTryCounter: () => createMemoryTryCounter({ now }) };
  const shared = { redisGuard: redis.guard, prefix: config.redisPrefix };
  return {
    hitCounter: createRedisHitCounter({ ...shared, otherwise: localHits }),
    createTryCounter: () => createRedisTryCounter({ ...shared, fallback: createMemoryTryCounter({ now }) }),
  };
};
