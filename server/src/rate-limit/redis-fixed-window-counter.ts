import type { RedisGuard } from '../platform/redis/redis-guard.ts';
import type { HitCounter } from './fixed-window-counter.ts';

export type RedisHitCounterOptions = {
  redisGuard: RedisGuard;
  /** Counts while Redis is away. */
  otherwise: HitCounter;
  /** What all keys begin with. */
  prefix: string;
};

/** KEYS: the window. ARGV: how many more, and how long a window is, in milliseconds. Answers {count, ms until its end}. */
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

/** Counts for all replicas together. Windows go by the clock of Redis. */
export const createRedisHitCounter = (options: RedisHitCounterOptions): HitCounter => {
  const { redisGuard, otherwise, prefix } = options;
  redisGuard.redis.defineCommand('addHits' satisfies keyof Commands, { numberOfKeys: 1, lua: addScript });
  const commands = redisGuard.redis as unknown as Commands;
  return {
    add: (name, { windowMs, by = 1 }) =>
      redisGuard
        .ask(() => commands.addHits(`${prefix}hits:${name}`, by, windowMs))
        .then((answer) =>
          answer === null ? otherwise.add(name, { windowMs, by }) : { count: answer[0], resetMs: answer[1] },
        ),
  };
};
