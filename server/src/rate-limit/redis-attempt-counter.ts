import { randomUUID } from 'node:crypto';
import type { RedisGuard } from '../platform/redis/redis-guard.ts';
import type { ReserveOptions, AttemptCounter } from './attempt-counter.ts';

export type RedisAttemptCounterOptions = {
  redisGuard: RedisGuard;
  /** Counts while Redis is unavailable. */
  fallback: AttemptCounter;
  /** The prefix of all keys. */
  prefix: string;
};

/** `restartOn` as the script expects it. */
const restartCodes: Record<NonNullable<ReserveOptions['restartOn']>, number> = { none: 0, counted: 1, any: 2 };
/** "No limit" for the script, whose numbers are doubles. */
const noLimit = 1_000_000_000;

/**
 * KEYS: the window, a hash of its id and its count. ARGV: the id for a new window, the maximum, the length of a window in
 * milliseconds, a restart code. Returns {1 if the attempt was counted, id of the window, count, milliseconds until it ends}.
 */
const reserveScript = `
local window = redis.call('HMGET', KEYS[1], 'id', 'count')
local id = window[1] or ARGV[1]
local count = tonumber(window[2] or 0)
local counted = 0
if count < tonumber(ARGV[2]) then
  counted = 1
  count = count + 1
  redis.call('HSET', KEYS[1], 'id', id, 'count', count)
end
local ttl = redis.call('PTTL', KEYS[1])
local restart = tonumber(ARGV[4])
if ttl < 0 or restart == 2 or (restart == 1 and counted == 1) then
  ttl = tonumber(ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ttl)
end
return {counted, id, count, ttl}
`;

/** KEYS: the window. ARGV: the id of the window that counted the attempt. A later window is not changed. */
const releaseScript = `
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
if redis.call('HINCRBY', KEYS[1], 'count', -1) <= 0 then redis.call('DEL', KEYS[1]) end
return 1
`;

/** KEYS: the window. Returns {count, milliseconds until it ends}. */
const readScript = `
return {tonumber(redis.call('HGET', KEYS[1], 'count') or 0), math.max(0, redis.call('PTTL', KEYS[1]))}
`;

type Commands = {
  reserveAttempt: (
    key: string,
    newId: string,
    max: number,
    windowMs: number,
    restartCode: number,
  ) => Promise<[counted: number, id: string, count: number, ttl: number]>;
  releaseAttempt: (key: string, id: string) => Promise<number>;
  readAttempts: (key: string) => Promise<[count: number, ttl: number]>;
};

const scripts: Record<keyof Commands, string> = {
  reserveAttempt: reserveScript,
  releaseAttempt: releaseScript,
  readAttempts: readScript,
};

/** Counts attempts for all replicas. The clock of Redis determines the windows. */
export const createRedisAttemptCounter = ({
  redisGuard,
  fallback,
  prefix,
}: RedisAttemptCounterOptions): AttemptCounter => {
  for (const [name, lua] of Object.entries(scripts)) redisGuard.redis.defineCommand(name, { numberOfKeys: 1, lua });
  const commands = redisGuard.redis as unknown as Commands;
  const keyOf = (name: string) => `${prefix}tries:${name}`;

  return {
    async reserve(name, options) {
      const { max = noLimit, windowMs, restartOn = 'none' } = options;
      const reply = await redisGuard.ask(() =>
        commands.reserveAttempt(keyOf(name), randomUUID(), max, windowMs, restartCodes[restartOn]),
      );
      if (reply === null) return fallback.reserve(name, options);
      const [counted, id, count, resetMs] = reply;
      const isCounted = counted === 1;
      return {
        isCounted,
        count,
        resetMs,
        // Without a reply the attempt stays counted until its window ends.
        async release() {
          if (isCounted) await redisGuard.ask(() => commands.releaseAttempt(keyOf(name), id));
        },
      };
    },
    async read(name) {
      const reply = await redisGuard.ask(() => commands.readAttempts(keyOf(name)));
      if (reply === null) return fallback.read(name);
      const [count, resetMs] = reply;
      return { count, resetMs };
    },
  };
};
