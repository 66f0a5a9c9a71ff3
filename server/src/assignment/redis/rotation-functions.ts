import { maxHistoryEntries } from '@auth-bff/shared';
import { type AssignmentLimits, assignmentWindowMs } from '../assignment-limits.ts';
import { rotationTtlMs } from '../assignment-store.ts';
import { chargeFunctions } from './charge-scripts.ts';
import { leaveFunction } from './leave-scripts.ts';
import { sealLength } from './person-seal.ts';

/** Old entries are dropped, and expiries renewed, with each 50th turn: with every turn, that takes longer than the turn. */
const tidyEvery = 50;
/** Expiries are also renewed by the turn of a person whose last one is this long ago. */
const idleMs = 10 * 60 * 1000;

/** A limit as an integer for Lua. */
export const toInteger = (limit: number) => Math.min(Math.floor(limit), Number.MAX_SAFE_INTEGER);

/**
 * What the scripts that give turns share. KEYS: the turns of the rotation, its count of new keys in this hour, the history, the
 * leave of the system. ARGV: the mode; the sealed candidates in ascending order of their ids, and the same people as the leave
 * names them, each as one text; the channel, and the name of the rotation in it. Limits and durations are in the text of the
 * script, which Redis reads once.
 *
 * The clock of Redis determines expiry and leave. Everything that can fail or reject a call comes before the first write.
 *
 * Modes: `charge` also charges the caller. If the caller's window and the leave are on other nodes of a cluster, the
 * candidates are without the people who are away, `ask` returns the cost of the call, and takes the turn only if it is
 * free; `paid` takes the turn after the caller was charged.
 *
 * The field of a person holds the number of their last turn. Earlier versions write only that. `s:` and the person holds
 * that number again, the count of turns, and the time of the last one; it says nothing about the time if the numbers differ.
 *
 * The turn of a key is a text: the sealed assignee, "=", the number of the turn, the number and the time of the assignee's
 * last turn before it, and, after handovers, each person who has had the key, the hash of the repeat key by which they got it
 * and, unless a repeat counts for as long as the key is known, the time until which it does. An earlier version writes only
 * the assignee, and reads no further than "=".
 */
export const rotationFunctions = (limits: AssignmentLimits) => `
local maxKeys, maxKeysOfRotation, maxRotations = ${toInteger(limits.keysPerPersonPerHour)}, ${toInteger(limits.keysPerRotationPerHour)}, ${toInteger(limits.rotationsPerPersonPerHour)}
${chargeFunctions}
${leaveFunction}
local mode, people, onLeave = ARGV[1], ARGV[2], ARGV[3]

-- The sealed people from index 2 on, and the numbers of their last turns: false for people who may not take a turn.
local persons, lastTurns, total, anyAway = nil, nil, nil, false
local function readPeople(had)
  local hasLeave = #onLeave > 0 and redis.call('EXISTS', KEYS[4]) == 1
  for from = 1, #people, ${sealLength * 1_000} do
    local fields, leaves = {'turns'}, {}
    for at = from, math.min(from + ${sealLength * 999}, #people), ${sealLength} do
      fields[#fields + 1] = string.sub(people, at, at + ${sealLength - 1})
      if hasLeave then leaves[#leaves + 1] = string.sub(onLeave, at, at + ${sealLength - 1}) end
    end
    local turns = redis.call('HMGET', KEYS[1], unpack(fields))
    if hasLeave then leaves = redis.call('HMGET', KEYS[4], unpack(leaves)) end
    total = turns[1]
    for at = 2, #fields do
      turns[at] = tonumber(turns[at] or 0)
      if had and had[fields[at]] then
        turns[at] = false
      elseif hasLeave and isAway(leaves[at - 1]) then
        turns[at] = false
        anyAway = true
      end
    end
    if from == 1 then
      persons, lastTurns = fields, turns
    else
      for at = 2, #fields do
        persons[#persons + 1] = fields[at]
        lastTurns[#persons] = turns[at]
      end
    end
  end
end

-- The index of the person who has waited longest.
local function choose()
  local best, bestTurn
  for index = 2, persons and #persons or 1 do
    local turn = lastTurns[index]
    if turn and (not best or turn < bestTurn) then best, bestTurn = index, turn end
  end
  return best
end

local function countAndTime(person, lastTurn)
  local turn, count, at = string.match(redis.call('HGET', KEYS[1], 's:' .. person) or '', '^(%d+) (%d+) (%d+)$')
  if not turn then return 0, '0' end
  if tonumber(turn) ~= lastTurn then at = '0' end
  return tonumber(count), at
end

local function record(person, number, rest)
  local id
  if number % ${tidyEvery} == 0 then
    id = redis.call('XADD', KEYS[3], 'MAXLEN', '~', ${maxHistoryEntries}, '*', 'e', person .. rest)
  else
    id = redis.call('XADD', KEYS[3], '*', 'e', person .. rest)
  end
  return string.match(id, '%d+')
end

local function give(person, number, count, at)
  redis.call('HSET', KEYS[1], 'turns', total, person, number, 's:' .. person, number .. ' ' .. count .. ' ' .. at)
end
-- The keys of this hour before are false if there were none.
local function addKeys(count, usedKeys)
  redis.call('INCRBY', KEYS[2], count)
  if not usedKeys then redis.call('PEXPIRE', KEYS[2], ${assignmentWindowMs}) end
end
local function isDue(number, at, lastTurnAt)
  return number % ${tidyEvery} == 0 or at - lastTurnAt > ${idleMs}
end
local function tidy()
  redis.call('PEXPIRE', KEYS[1], ${rotationTtlMs})
  redis.call('PEXPIRE', KEYS[3], ${rotationTtlMs})
end
-- A user of Redis who may not publish still gets turns. Subscribers then read them some seconds later.
local function tell() redis.pcall('PUBLISH', ARGV[4], ARGV[5]) end
`;
