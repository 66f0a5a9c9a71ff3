import type { AssignmentLimits } from '../assignment-limits.ts';
import { keyTtlMs } from '../assignment-store.ts';
import { sealLength } from './person-seal.ts';
import { rotationFunctions } from './rotation-functions.ts';

/**
 * Gives the turn of a key to the next person who has not had it, and the previous assignee their place back.
 *
 * KEYS, after those of the rotation: the caller's window, the turn of the key. ARGV, after those of the rotation: the sealed
 * rest of the history entry, the hash of the repeat key, and the milliseconds for which a repeat counts (empty: as long as the
 * key is known).
 */
export const handOverScript = (limits: AssignmentLimits) => `
${rotationFunctions(limits)}
local stored = redis.call('GET', KEYS[6])
if not stored then return 'unknown' end
local given = string.sub(stored, 1, ${sealLength})
local turn, before, beforeAt, chain = string.match(stored, '^=(%d+) (%d+) (%d+)(.*)$', ${sealLength + 1})
local had = {[given] = true}
chain = chain or ''
for person, repeatKey, untilMs in string.gmatch(chain, '([%w_-]+):([%w_-]*):?(%d*)') do
  local isRepeat = repeatKey == ARGV[7]
  if isRepeat and (untilMs == '' or tonumber(untilMs) > now()) then return 'replayed ' .. person end
  had[person] = true
end
local usedKeys = redis.call('GET', KEYS[2])
readPeople(had)
local index = choose()
if not index then return anyAway and 'away' or 'excluded' end
local best, lastTurn = persons[index], lastTurns[index]
if usedKeys and tonumber(usedKeys) >= maxKeysOfRotation then
  return 'limited keysPerRotationPerHour ' .. leftOf(KEYS[2])
end
if mode == 'ask' then return 'costs 1 0' end
local window
if mode == 'charge' then
  window = openWindow(KEYS[5])
  local refused = refusal(window, 1, 0, maxKeys, maxRotations)
  if refused then return refused end
end
local count, lastTurnAt = countAndTime(best, lastTurn)
local resetAt = tonumber(redis.call('HGET', KEYS[1], 'reset') or 0)
local leftMs = redis.call('PTTL', KEYS[6])
-- In its last millisecond, or if another program removed the expiry, SET would reject it after the first write.
if leftMs < 1 then leftMs = leftMs == 0 and 1 or ${keyTtlMs} end

local number = tonumber(total or 0) + 1
total = number
local at = record(best, number, ARGV[6])
if window then
  charge(window, 1, 0)
  close(window)
end
addKeys(1, usedKeys)
if turn and tonumber(turn) > resetAt then
  local last = tonumber(redis.call('HGET', KEYS[1], given) or 0)
  local turns, lastAt = countAndTime(given, last)
  if last == tonumber(turn) then
    last, lastAt = tonumber(before), beforeAt
    if last == 0 then redis.call('HDEL', KEYS[1], given) else redis.call('HSET', KEYS[1], given, last) end
  end
  redis.call('HSET', KEYS[1], 's:' .. given, last .. ' ' .. math.max(0, turns - 1) .. ' ' .. lastAt)
end
if chain == '' then chain = ' ' .. given .. ':' end
chain = chain .. ' ' .. best .. ':' .. ARGV[7]
if ARGV[8] ~= '' then chain = chain .. ':' .. string.format('%.0f', at + ARGV[8]) end
redis.call('SET', KEYS[6], best .. '=' .. number .. ' ' .. lastTurn .. ' ' .. lastTurnAt .. chain, 'PX', leftMs)
give(best, number, count + 1, at)
if isDue(number, at, lastTurnAt) then tidy() end
tell()
return 'assigned ' .. best .. ' 1 0'
`;
