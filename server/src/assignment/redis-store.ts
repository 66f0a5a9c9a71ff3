import type { Cluster, Redis } from 'ioredis';
import { AppError } from '../errors.ts';
import { type AssignmentStore, keyTtlMs, type Rotation, rotationTtlMs } from './assignment-store.ts';

export type RedisStoreOptions = {
  redis: Redis | Cluster;
  /** What all keys begin with. */
  prefix: string;
};

/**
 * KEYS: the rotation's turns, and what a key was given. ARGV: how long either lives, in milliseconds, then the
 * candidates, ascending. Answers {assignee, replayed}, or nothing. Expiry goes by the clock of Redis.
 */
const takeScript = `
if KEYS[2] then
  local given = redis.call('GET', KEYS[2])
  if given then return {given, 1} end
end
local best, bestTurn
for from = 3, #ARGV, 1000 do
  local ids = {}
  for at = from, math.min(from + 999, #ARGV) do ids[#ids + 1] = ARGV[at] end
  local turns = redis.call('HMGET', KEYS[1], unpack(ids))
  for at, id in ipairs(ids) do
    local turn = tonumber(turns[at] or 0)
    if not best or turn < bestTurn then best, bestTurn = id, turn end
  end
end
if not best then return false end
redis.call('HSET', KEYS[1], best, redis.call('HINCRBY', KEYS[1], 'turns', 1))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
if KEYS[2] then redis.call('SET', KEYS[2], best, 'PX', ARGV[2]) end
return {best, 0}
`;

type Command = 'takeTurn' | 'takeTurnWithKey';
type Taken = [assignee: string, replayed: number] | null;
type Commands = Record<Command, (...args: Array<string | number>) => Promise<Taken>>;

/**
 * Turns in Redis, for any number of replicas and through their restarts. One script a turn, sent by its hash and
 * loaded again where Redis has forgotten it; all keys of a rotation share a hash tag, and so a node of a cluster.
 */
export const createRedisStore = ({ redis, prefix }: RedisStoreOptions): AssignmentStore => {
  redis.defineCommand('takeTurn' satisfies Command, { numberOfKeys: 1, lua: takeScript });
  redis.defineCommand('takeTurnWithKey' satisfies Command, { numberOfKeys: 2, lua: takeScript });
  const commands = redis as unknown as Commands;

  const turnsKey = (rotation: Rotation) => `${prefix}turns:{${rotation}}`;
  const givenKey = (rotation: Rotation, key: string) => `${prefix}given:{${rotation}}:${key}`;

  const ask = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
    try {
      return await answer;
    } catch (cause) {
      throw new AppError('store_unavailable', { cause, retryAfterSeconds: 1 });
    }
  };

  return {
    async take({ rotation, candidates, key }) {
      const args = [rotationTtlMs, keyTtlMs, ...candidates];
      const taken = await ask(
        key === null
          ? commands.takeTurn(turnsKey(rotation), ...args)
          : commands.takeTurnWithKey(turnsKey(rotation), givenKey(rotation, key), ...args),
      );
      return taken === null ? null : { assignee: Number(taken[0]), replayed: taken[1] === 1 };
    },
    async lastTurns(rotation, candidates) {
      if (candidates.length === 0) return [];
      const turns = await ask(redis.hmget(turnsKey(rotation), ...candidates.map(String)));
      return turns.map((turn) => Number(turn ?? 0));
    },
  };
};
