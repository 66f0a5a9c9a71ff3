import type { Cluster, Redis } from 'ioredis';
import type { AssignmentLimits } from '../assignment-limits.ts';

/** Charges the caller's window, or returns the limit that the call exceeds. The first charge begins the window. */
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
 * KEYS: the turns of the rotation, its count of new keys in this hour, the caller's window, and, for a call with a key,
 * the assignee of the key. ARGV: the mode, three durations in milliseconds (rotation, key, window), the limits (keys of a
 * person, keys of a rotation, rotations of a person), and the sealed candidates in ascending order of their ids. The clock
 * of Redis determines expiry. Everything that can fail or reject the call comes before the first write.
 *
 * Modes: `charge` also charges the caller. If the caller's window is on another node of a cluster, `ask` returns the cost
 * of the call, and takes the turn only if it is free; `paid` takes the turn after the caller was charged.
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

/** KEYS: the caller's window. ARGV: the new keys and rotations, their limits, and the length of the window in milliseconds. */
const chargeScript = `
${chargeFunction}
return charge(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]) or {'charged'}
`;

/** KEYS: the caller's window. ARGV: the keys and rotations to refund. */
const refundScript = `
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'keys', -ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'rotations', -ARGV[2])
end
return 1
`;

export type Limited = ['limited', limit: keyof AssignmentLimits, resetMs: number];
export type Costs = ['costs', newKeys: number, newRotations: number];
type Assigned = ['assigned', assignee: string, newKeys: number, newRotations: number];
export type Taken = Assigned | ['replayed', assignee: string] | ['nobody'] | Limited | Costs;
type Arguments = Array<string | number>;
type TurnCommands = {
  takeTurn: (...args: Arguments) => Promise<Taken>;
  takeTurnWithKey: (...args: Arguments) => Promise<Taken>;
  chargeCaller: (...args: Arguments) => Promise<['charged'] | Limited>;
  refundCaller: (...args: Arguments) => Promise<number>;
};

/** Defines the scripts as commands of the client. It sends their hash, and the text only if Redis does not know it. */
export const defineTurnCommands = (redis: Redis | Cluster): TurnCommands => {
  redis.defineCommand('takeTurn' satisfies keyof TurnCommands, { numberOfKeys: 3, lua: takeScript });
  redis.defineCommand('takeTurnWithKey' satisfies keyof TurnCommands, { numberOfKeys: 4, lua: takeScript });
  redis.defineCommand('chargeCaller' satisfies keyof TurnCommands, { numberOfKeys: 1, lua: chargeScript });
  redis.defineCommand('refundCaller' satisfies keyof TurnCommands, { numberOfKeys: 1, lua: refundScript });
  return redis as unknown as TurnCommands;
};
