import type { Cluster, Redis } from 'ioredis';
import { AppError } from '../errors.ts';
import { redisErrorCode } from '../platform/redis/redis-errors.ts';
import {
  type AssignmentLimits,
  assignmentWindowMs,
  defaultAssignmentLimits,
  toLimitError,
} from './assignment-limits.ts';
import { type AssignmentStore, keyTtlMs, rotationTtlMs, type Take } from './assignment-store.ts';
import { createLegacyRotations } from './legacy-rotations.ts';
import { createRotationKeys } from './rotation-keys.ts';

export type RedisStoreOptions = {
  redis: Redis | Cluster;
  /** What all keys begin with. */
  prefix: string;
  /** What names and seals are derived from: the same in all replicas of an environment, and in no other environment. */
  sealingSecret: string;
  /** Default `defaultAssignmentLimits`. */
  limits?: AssignmentLimits;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
};

/** Charges a caller's window, or returns the limit that the call is over. The window begins with its first charge. */
const chargeFunction = `
local function charge(window, newKeys, newRotations, maxKeys, maxRotations, windowMs)
  local used = redis.call('HMGET', window, 'keys', 'rotations')
  if newKeys > 0 and tonumber(used[1] or 0) >= tonumber(maxKeys) then
    return {'limited', 'keysPerPersonPerHour', redis.call('PTTL', window)}
  end
  if newRotations > 0 and tonumber(used[2] or 0) >= tonumber(maxRotations) then
    return {'limited', 'rotationsPerPersonPerHour', redis.call('PTTL', window)}
  end
  redis.call('HINCRBY', window, 'keys', newKeys)
  redis.call('HINCRBY', window, 'rotations', newRotations)
  if redis.call('PTTL', window) < 0 then redis.call('PEXPIRE', window, windowMs) end
  return nil
end
`;

/**
 * KEYS: the rotation's turns, its new keys of this hour, the caller's window, and the assignee of a key where the call
 * has one. ARGV: the mode, three durations in milliseconds (rotation, key, window), the limits (keys of a person, keys of
 * a rotation, rotations of a person), and the candidates, sealed, in ascending order of their ids. Expiry follows the clock of Redis. All that can
 * fail or refuse comes before the first write.
 *
 * Modes: `charge` charges the caller, too. Where the caller's window lies on another node of a cluster, `ask` answers
 * what the call would cost, and takes the turn only if that is nothing; `paid` takes it after the caller was charged.
 */
const takeScript = `
${chargeFunction}
local mode, rotationMs, keyMs, windowMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local newKeys, newRotations = 0, 0
if KEYS[4] then
  local given = redis.call('GET', KEYS[4])
  if given then return {'replayed', given} end
  newKeys = 1
end
if #ARGV < 8 then return {'nobody'} end
if redis.call('EXISTS', KEYS[1]) == 0 then newRotations = 1 end
if newKeys > 0 and tonumber(redis.call('GET', KEYS[2]) or 0) >= tonumber(ARGV[6]) then
  return {'limited', 'keysPerRotationPerHour', redis.call('PTTL', KEYS[2])}
end
local isFree = newKeys + newRotations == 0
if mode == 'ask' and not isFree then return {'costs', newKeys, newRotations} end

local best, bestTurn
for from = 8, #ARGV, 1000 do
  local people = {}
  for at = from, math.min(from + 999, #ARGV) do people[#people + 1] = ARGV[at] end
  local turns = redis.call('HMGET', KEYS[1], unpack(people))
  for at, person in ipairs(people) do
    local turn = tonumber(turns[at] or 0)
    if not best or turn < bestTurn then best, bestTurn = person, turn end
  end
end

if mode == 'charge' and not isFree then
  local refusal = charge(KEYS[3], newKeys, newRotations, ARGV[5], ARGV[7], windowMs)
  if refusal then return refusal end
end
if newKeys > 0 then
  redis.call('INCR', KEYS[2])
  if redis.call('PTTL', KEYS[2]) < 0 then redis.call('PEXPIRE', KEYS[2], windowMs) end
  redis.call('SET', KEYS[4], best, 'PX', keyMs)
end
redis.call('HSET', KEYS[1], best, redis.call('HINCRBY', KEYS[1], 'turns', 1))
redis.call('PEXPIRE', KEYS[1], rotationMs)
return {'assigned', best, newKeys, newRotations}
`;

/** KEYS: the caller's window. ARGV: new keys and rotations, their limits, and the window in milliseconds. */
const chargeScript = `
${chargeFunction}
return charge(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]) or {'charged'}
`;

/** KEYS: the caller's window. ARGV: the keys and rotations to take back. */
const refundScript = `
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'keys', -ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'rotations', -ARGV[2])
end
return 1
`;

type Limited = ['limited', limit: keyof AssignmentLimits, resetMs: number];
type Costs = ['costs', newKeys: number, newRotations: number];
type Assigned = ['assigned', assignee: string, newKeys: number, newRotations: number];
type Taken = Assigned | ['replayed', assignee: string] | ['nobody'] | Limited | Costs;
type Arguments = Array<string | number>;
type Commands = {
  takeTurn: (...args: Arguments) => Promise<Taken>;
  takeTurnWithKey: (...args: Arguments) => Promise<Taken>;
  chargeCaller: (...args: Arguments) => Promise<['charged'] | Limited>;
  refundCaller: (...args: Arguments) => Promise<number>;
};

/** A limit as a whole number that Lua reads. */
const toWhole = (limit: number) => Math.min(Math.floor(limit), Number.MAX_SAFE_INTEGER);

/**
 * Turns in Redis, for any number of replicas and through their restarts. One script a turn, sent by its hash and
 * loaded again where Redis has forgotten it; all keys of a rotation share a hash tag, and so a node of a cluster.
 */
export const createRedisStore = (options: RedisStoreOptions): AssignmentStore => {
  const { redis, prefix, sealingSecret, limits = defaultAssignmentLimits } = options;
  const { monotonicNow = () => performance.now() } = options;
  const turnKeys = createRotationKeys({ prefix, sealingSecret });
  const earlierTurns = createLegacyRotations({ redis, prefix, turnKeys, monotonicNow });
  redis.defineCommand('takeTurn' satisfies keyof Commands, { numberOfKeys: 3, lua: takeScript });
  redis.defineCommand('takeTurnWithKey' satisfies keyof Commands, { numberOfKeys: 4, lua: takeScript });
  redis.defineCommand('chargeCaller' satisfies keyof Commands, { numberOfKeys: 1, lua: chargeScript });
  redis.defineCommand('refundCaller' satisfies keyof Commands, { numberOfKeys: 1, lua: refundScript });
  const commands = redis as unknown as Commands;
  const maxKeys = toWhole(limits.keysPerPersonPerHour);
  const maxRotations = toWhole(limits.rotationsPerPersonPerHour);
  /** Whether one script can reach a rotation and its caller. False in a cluster, where they lie in different slots. */
  let isOneSlot = true;

  const ask = async <Answer>(command: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await command();
    } catch (cause) {
      throw new AppError('store_unavailable', { cause, retryAfterSeconds: 1 });
    }
  };
  const limited = ([, limit, resetMs]: Limited) => toLimitError(limit, { limits, resetMs });

  const run = (mode: 'charge' | 'ask' | 'paid', { rotation, candidates, key, by }: Take): Promise<Taken> => {
    const { turns, newKeys, given } = turnKeys.of(rotation);
    // Only `charge` uses the third key, and the others must not name one of another slot.
    const keys = [turns, newKeys, mode === 'charge' ? turnKeys.caller(by) : newKeys];
    const args = [
      mode,
      rotationTtlMs,
      keyTtlMs,
      assignmentWindowMs,
      maxKeys,
      toWhole(limits.keysPerRotationPerHour),
      maxRotations,
      ...turnKeys.seal(rotation, candidates),
    ];
    return key === null ? commands.takeTurn(...keys, ...args) : commands.takeTurnWithKey(...keys, given(key), ...args);
  };

  const charge = (by: string, [, newKeys, newRotations]: Costs) =>
    commands.chargeCaller(turnKeys.caller(by), newKeys, newRotations, maxKeys, maxRotations, assignmentWindowMs);

  /** Takes the turn of a call whose caller was charged. What it did not cost after all is refunded. */
  const takePaid = async (asked: Take, [, newKeys, newRotations]: Costs): Promise<Taken> => {
    const refund = async (paidKeys: number, paidRotations: number) => {
      const surplus = [newKeys - paidKeys, newRotations - paidRotations];
      if (surplus.some((count) => count > 0)) await commands.refundCaller(turnKeys.caller(asked.by), ...surplus);
    };
    const taken = await run('paid', asked).catch(async (error: unknown) => {
      await refund(0, 0).catch(() => {});
      throw error;
    });
    // Another call may have been first with this key or in this rotation.
    const paid: [number, number] = taken[0] === 'assigned' ? [taken[2], taken[3]] : [0, 0];
    await refund(...paid).catch(() => {});
    return taken;
  };

  /**
   * Where one script cannot reach the caller's window: what the call costs, the charge, the turn. A process that dies in
   * between leaves the charge until the end of the hour.
   */
  const takeInSteps = async (asked: Take): Promise<Taken> => {
    let refused: { by: Limited; cost: number } | null = null;
    for (;;) {
      const costs = await run('ask', asked);
      if (costs[0] !== 'costs') return costs;
      const cost = costs[1] + costs[2];
      // A call that is refused asks again: others at the same time may have paid for its key or its rotation.
      if (refused !== null && cost >= refused.cost) return refused.by;
      const charged = await charge(asked.by, costs);
      if (charged[0] === 'charged') return takePaid(asked, costs);
      refused = { by: charged, cost };
    }
  };

  const takeAtOnce = async (asked: Take): Promise<Taken> => {
    try {
      return await run('charge', asked);
    } catch (error) {
      if (redisErrorCode((error as Error).message) !== 'CROSSSLOT') throw error;
      isOneSlot = false;
      return takeInSteps(asked);
    }
  };

  return {
    async take(asked) {
      const { rotation, candidates, key } = asked;
      if (candidates.length === 0 && key === null) return null;
      const taken = await ask(async () => {
        await earlierTurns.adopt(rotation);
        const answer = await (isOneSlot ? takeAtOnce(asked) : takeInSteps(asked));
        return answer[0] === 'assigned' || answer[0] === 'replayed'
          ? { assignee: turnKeys.open(rotation, answer[1]), replayed: answer[0] === 'replayed' }
          : answer;
      });
      if ('assignee' in taken) return taken;
      if (taken[0] === 'limited') throw limited(taken);
      return null;
    },
    async lastTurns(rotation, candidates) {
      if (candidates.length === 0) return [];
      const turns = await ask(async () => {
        await earlierTurns.adopt(rotation);
        return redis.hmget(turnKeys.of(rotation).turns, ...turnKeys.seal(rotation, candidates));
      });
      return turns.map((turn) => Number(turn ?? 0));
    },
  };
};
