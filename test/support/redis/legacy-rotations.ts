import type { Cluster, Redis } from 'ioredis';
import { keyTtlMs, rotationTtlMs } from '../../../server/src/assignment/assignment-store.ts';

/** The script of an earlier version, which stored names and people in Redis in plain text. */
const earlierScript = `
if KEYS[2] then
  local given = redis.call('GET', KEYS[2])
  if given then return {given, 1} end
end
local best, bestTurn
for at = 3, #ARGV do
  local turn = tonumber(redis.call('HGET', KEYS[1], ARGV[at]) or 0)
  if not best or turn < bestTurn then best, bestTurn = ARGV[at], turn end
end
if not best then return false end
redis.call('HSET', KEYS[1], best, redis.call('HINCRBY', KEYS[1], 'turns', 1))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
if KEYS[2] then redis.call('SET', KEYS[2], best, 'PX', ARGV[2]) end
return {best, 0}
`;

export type EarlierStoreOptions = {
  redis: Redis | Cluster;
  /** The rotation's name in that version: `tts/technician`. */
  rotation: string;
  /** Default: `auth-bff:`, the only prefix of that version. */
  prefix?: string;
};

/** Assigns like a replica of the earlier version. */
export const createEarlierStore = ({ redis, rotation, prefix = 'auth-bff:' }: EarlierStoreOptions) => ({
  turns: `${prefix}turns:{${rotation}}`,
  given: (key: string) => `${prefix}given:{${rotation}}:${key}`,
  async take(candidates: readonly number[], key: string): Promise<number> {
    const keys = [`${prefix}turns:{${rotation}}`, `${prefix}given:{${rotation}}:${key}`];
    const taken = await redis.eval(earlierScript, 2, ...keys, rotationTtlMs, keyTtlMs, ...candidates);
    return Number((taken as [string, number])[0]);
  },
});

/** All key names and values in Redis, as one string. */
export const dumpRedis = async (redis: Redis | Cluster): Promise<string> => {
  const nodes = 'nodes' in redis ? redis.nodes('master') : [redis];
  const keys = (await Promise.all(nodes.map((node) => node.keys('*')))).flat();
  const valueOf = async (key: string) => {
    const type = await redis.type(key);
    if (type === 'stream') return redis.xrange(key, '-', '+');
    return type === 'hash' ? redis.hgetall(key) : redis.get(key);
  };
  const values = await Promise.all(keys.map(valueOf));
  return JSON.stringify(keys.map((key, index) => [key, values[index]]));
};
