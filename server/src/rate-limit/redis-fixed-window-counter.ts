import type { RedisGuard } from '../platform/redis/redis-guard.ts';
import type { FixedWindowCounter } from './fixed-window-counter.ts';

export type RedisFixedWindowCounterOptions = {
  redisGuard: RedisGuard;
  /** Counts while Redis is unavailable. */
  fallback: FixedWindowCounter;
  /** The prefix of all keys. */
  prefix: string;
};

/** KEYS: the window. ARGV: the number to add, and the length of a window in milliseconds. Returns {count, milliseconds until the window ends}. */
const addScript = `
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  ttl = tonumber(ARGV[2])
end
return {count, ttl}
`;

type Commands = Record<'addHits', (key: string, by: number, windowMs: number) => Promise<[count: number, ttl: number]>>;

/** Counts for all replicas. The clock of Redis determines the windows. */
export const createRedisFixedWindowCounter = (options: RedisFixedWindowCounterOptions): FixedWindowCounter => {
  const { redisGuard, fallback, prefix } = options;
  redisGuard.redis.defineCommand('addHits' satisfies keyof Commands, { numberOfKeys: 1, lua: addScript });
  const commands = redisGuard.redis as unknown as Commands;
  return {
    add: (name, { windowMs, by = 1 }) =>
      redisGuard
        .ask(() => commands.addHits(`${prefix}hits:${name}`, by, windowMs))
        .then((reply) =>
          reply === null ? fallback.add(name, { windowMs, by }) : { count: reply[0], resetMs: reply[1] },
        ),
  };
};
