import type { Cluster, Redis } from 'ioredis';
import { assignmentWindowMs } from '../assignment-limits.ts';

/**
 * The caller's window: what it has used, in which the first charge begins an hour. `refusal` returns the limit that a call
 * exceeds. `charge` counts a call, and `close` writes what was counted.
 */
export const chargeFunctions = `
local function leftOf(window)
  local leftMs = redis.call('PTTL', window)
  return leftMs < 0 and ${assignmentWindowMs} or leftMs
end
local function openWindow(name)
  local used = redis.call('HMGET', name, 'keys', 'rotations')
  return {
    name = name, isNew = not used[1] and not used[2],
    keys = tonumber(used[1] or 0), rotations = tonumber(used[2] or 0), newKeys = 0, newRotations = 0
  }
end
local function refusal(window, newKeys, newRotations, maxKeys, maxRotations)
  if newKeys > 0 and window.keys + window.newKeys >= maxKeys then
    return 'limited keysPerPersonPerHour ' .. leftOf(window.name)
  end
  if newRotations > 0 and window.rotations + window.newRotations >= maxRotations then
    return 'limited rotationsPerPersonPerHour ' .. leftOf(window.name)
  end
end
local function charge(window, newKeys, newRotations)
  window.newKeys = window.newKeys + newKeys
  window.newRotations = window.newRotations + newRotations
end
local function close(window)
  if window.newKeys > 0 then redis.call('HINCRBY', window.name, 'keys', window.newKeys) end
  if window.newRotations > 0 then redis.call('HINCRBY', window.name, 'rotations', window.newRotations) end
  if window.isNew then redis.call('PEXPIRE', window.name, ${assignmentWindowMs}) end
end
`;

/** KEYS: the caller's window. ARGV: the new keys and rotations, and their limits. */
const chargeScript = `
${chargeFunctions}
local newKeys, newRotations = tonumber(ARGV[1]), tonumber(ARGV[2])
local window = openWindow(KEYS[1])
local refused = refusal(window, newKeys, newRotations, tonumber(ARGV[3]), tonumber(ARGV[4]))
if refused then return refused end
charge(window, newKeys, newRotations)
close(window)
return 'charged'
`;

/** KEYS: the caller's window. ARGV: the keys and rotations to refund. */
const refundScript = `
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'keys', -ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'rotations', -ARGV[2])
end
return 1
`;

type Arguments = Array<string | number>;
type ChargeCommands = {
  /** The reply is for `toTaken`. */
  chargeCaller: (...args: Arguments) => Promise<string>;
  refundCaller: (...args: Arguments) => Promise<number>;
};

/** The steps of a call in a cluster, where the caller's window is on another node than the rotation. */
export const defineChargeCommands = (redis: Redis | Cluster): ChargeCommands => {
  redis.defineCommand('chargeCaller' satisfies keyof ChargeCommands, { numberOfKeys: 1, lua: chargeScript });
  redis.defineCommand('refundCaller' satisfies keyof ChargeCommands, { numberOfKeys: 1, lua: refundScript });
  return redis as unknown as ChargeCommands;
};
