import type { AssignmentLimits } from '../assignment-limits.ts';
import { keyTtlMs } from '../assignment-store.ts';
import { sealLength } from './person-seal.ts';
import { rotationFunctions } from './rotation-functions.ts';

/**
 * Gives turns to any number of calls that choose among the same people, one after the other. It reads the people once, and
 * writes the rotation once. A call that fails leaves the others alone.
 *
 * KEYS, after those of the rotation: for each call the caller's window, and the turn of its key; without a key, the turns of
 * the rotation. ARGV, after those of the rotation: for each call the sealed rest of its history entry. Returns an outcome for
 * each call.
 */
export const takeScript = (limits: AssignmentLimits) => `
${rotationFunctions(limits)}
local outcomes, plans, takenBy, windows, newKeysOfAll, arePeopleRead = {}, {}, {}, {}, 0, false
local usedKeys
local counts, times = {}, {}

local function plan(call)
  local windowKey, key = KEYS[3 + 2 * call], KEYS[4 + 2 * call]
  local newKeys, newRotations = 0, 0
  if key == KEYS[1] then
    key = nil
  else
    if takenBy[key] then return 'replayed ' .. takenBy[key] end
    local given = redis.call('GET', key)
    if given then return 'replayed ' .. string.sub(given, 1, ${sealLength}) end
    newKeys = 1
  end
  if #people == 0 then return 'nobody' end
  if key then
    if usedKeys == nil then usedKeys = redis.call('GET', KEYS[2]) end
    if tonumber(usedKeys or 0) + newKeysOfAll >= maxKeysOfRotation then
      return 'limited keysPerRotationPerHour ' .. leftOf(KEYS[2])
    end
  end
  if not arePeopleRead then
    readPeople()
    arePeopleRead = true
  end
  local best = choose()
  if not best then return 'nobody' end
  if not total then newRotations = 1 end
  local window
  if newKeys + newRotations > 0 then
    if mode == 'ask' then return 'costs ' .. newKeys .. ' ' .. newRotations end
    if mode == 'charge' then
      window = windows[windowKey] or openWindow(windowKey)
      windows[windowKey] = window
      local refused = refusal(window, newKeys, newRotations, maxKeys, maxRotations)
      if refused then return refused end
    end
  end
  local person, lastTurn = persons[best], lastTurns[best]
  if not counts[best] then counts[best], times[best] = countAndTime(person, lastTurn) end

  if window then charge(window, newKeys, newRotations) end
  if key then
    takenBy[key] = person
    newKeysOfAll = newKeysOfAll + 1
  end
  total = tonumber(total or 0) + 1
  lastTurns[best] = total
  plans[#plans + 1] = {best = best, number = total, lastTurn = lastTurn, key = key, rest = ARGV[5 + call]}
  return 'assigned ' .. person .. ' ' .. newKeys .. ' ' .. newRotations
end

for call = 1, #ARGV - 5 do
  local isPlanned, outcome = pcall(plan, call)
  if not isPlanned then outcome = 'failed ' .. (type(outcome) == 'table' and outcome.err or tostring(outcome)) end
  outcomes[call] = outcome
end
if #plans == 0 then return outcomes end

local isAnyDue = false
for _, planned in ipairs(plans) do
  local best, number = planned.best, planned.number
  local person, lastTurnAt = persons[best], times[best]
  local at = record(person, number, planned.rest)
  if planned.key then
    local turn = person .. '=' .. number .. ' ' .. planned.lastTurn .. ' ' .. lastTurnAt
    redis.call('SET', planned.key, turn, 'PX', ${keyTtlMs})
  end
  counts[best], times[best] = counts[best] + 1, at
  isAnyDue = isAnyDue or isDue(number, at, lastTurnAt)
end
for best, count in pairs(counts) do give(persons[best], lastTurns[best], count, times[best]) end
for _, window in pairs(windows) do close(window) end
if newKeysOfAll > 0 then addKeys(newKeysOfAll, usedKeys) end
if isAnyDue then tidy() end
tell()
return outcomes
`;
