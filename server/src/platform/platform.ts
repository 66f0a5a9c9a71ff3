import type { AppOptions } from '../app-options.ts';
import type { Config } from '../config.ts';
import { createKeyHasher, type KeyHasher } from './key-hasher.ts';
import { createLog, type Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import { connectSharedRedis, type SharedRedis } from './redis/shared-redis.ts';

/** Infrastructure that every part of the service uses. */
export type Platform = {
  config: Config;
  log: Log;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  metrics: Metrics;
  keyHasher: KeyHasher;
  /** Null without `REDIS_URL`. */
  redis: SharedRedis | null;
};

export type PlatformOptions = Pick<
  AppOptions,
  | 'config'
  | 'log'
  | 'now'
  | 'monotonicNow'
  | 'redisTimeoutMs'
  | 'startRedisTimer'
  | 'startKeyTimer'
  | 'startWriteCheckTimer'
>;

export const createPlatform = async (options: PlatformOptions): Promise<Platform> => {
  const { config, now = Date.now, monotonicNow = () => performance.now(), log = createLog(config) } = options;
  const redis = await connectSharedRedis({
    config,
    log,
    monotonicNow,
    timeoutMs: options.redisTimeoutMs,
    startGuardTimer: options.startRedisTimer,
    startKeyTimer: options.startKeyTimer,
    startWriteCheckTimer: options.startWriteCheckTimer,
  });
  const { sealingSecret } = config;
  return {
    config,
    log,
    now,
    monotonicNow,
    metrics: createMetrics(),
    keyHasher: createKeyHasher({ sealingSecret }),
    redis,
  };
};
