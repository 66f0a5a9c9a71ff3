import type { Cluster, Redis } from 'ioredis';
import type { Limited } from './turn-scripts.ts';

/** `used`: the additions in the caller's window. `refusal` returns the limit that a call exceeds; the first charge begins the window. */
export const chargeFunctions = `
local function refusal(window, used, newKeys, newRotations, maxKeys, maxRotations)
  if newKeys > 0 and tonumber(used[1] or 0) >= tonumber(maxKeys) then
    return {'limited', 'keysPerPersonPerHour', redis.call('PTTL', window)}
  end
  if newRotations > 0 and tonumber(used[2] or 0) >= tonumber(maxRotations) then
    return {'limited', 'rotationsPerPersonPerHour', redis.call('PTTL', window)}
  end
end
local function charge(window, used, newKeys, newRotations, windowMs)
  if newKeys > 0 then redis.call('HINCRBY', window, 'keys', newKeys) end
  if newRotations > 0 then redis.call('HINCRBY', window, 'rotations', newRotations) end
  if not used[1] and not used[2] then redis.call('PEXPIRE', window, windowMs) end
end
`;

/** KEYS: the caller's window. ARGV: the new keys and rotations, their limits, and the length of the window in milliseconds. */
const chargeScript = `
${chargeFunctions}
local newKeys, newRotations = tonumber(ARGV[1]), tonumber(ARGV[2])
local used = redis.call('HMGET', KEYS[1], 'keys', 'rotations')
local refused = refusal(KEYS[1], used, newKeys, newRotations, ARGV[3], ARGV[4])
if refused then return refused end
charge(KEYS[1], used, newKeys, newRotations, ARGV[5])
return {'charged'}
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
  chargeCaller: (...args: Arguments) => Promise<['charged'] | Limited>;
  refundCaller: (...args: Arguments) => Promise<number>;
};

/** The steps of a call in a cluster, where the caller's window is on another node than the rotation. */
export const defineChargeCommands = (redis: Redis | Cluster): ChargeCommands => {
  redis.defineCommand('chargeCaller' satisfies keyof ChargeCommands, { numberOfKeys: 1, lua: chargeScript });
  redis.defineCommand('refundCaller' satisfies keyof ChargeCommands, { numberOfKeys: 1, lua: refundScript });
  return redis as unknown as ChargeCommands;
};
