import { maxHistoryEntries } from '@auth-bff/shared';
import type { Cluster, Redis } from 'ioredis';
import { type AssignmentLimits, assignmentWindowMs } from '../assignment-limits.ts';
import { keyTtlMs, rotationTtlMs } from '../assignment-store.ts';
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
 * KEYS: the turns of the rotation, its count of new keys in this hour, the caller's window, the history, the leave of the
 * system, and, for a call with a key, the turn of the key.
 *
 * ARGV: the mode; the sealed candidates in ascending order of their ids, and the same people as the leave names them, each as
 * one text; the sealed rest of the history entry; the channel and the name of the rotation in it; for a handover, the hash of
 * its repeat key and the milliseconds for which a repeat counts (empty: as long as the key is known). Limits and durations
 * are in the text of the script, which Redis reads once.
 *
 * The clock of Redis determines expiry and leave. Everything that can fail or reject the call comes before the first write.
 *
 * Modes: `charge` also charges the caller. If the caller's window and the leave are on other nodes of a cluster, the
 * candidates are without the people who are away, `ask` returns the cost of the call, and takes the turn only if it is
 * free; `paid` takes the turn after the caller was charged.
 *
 * The field of a person holds the number of their last turn. Earlier versions write only that. `s:` and the person holds
 * that number again, the count of turns, and the time of the last one; it says nothing about the time if the numbers differ.
 */
const turnFunctions = (limits: AssignmentLimits) => `
local maxKeys, maxKeysOfRotation, maxRotations = ${toInteger(limits.keysPerPersonPerHour)}, ${toInteger(limits.keysPerRotationPerHour)}, ${toInteger(limits.rotationsPerPersonPerHour)}
${chargeFunctions}
${leaveFunction}
local mode, people, onLeave = ARGV[1], ARGV[2], ARGV[3]

local function choose(had)
  local best, bestTurn, total, anyAway, anyLeft = nil, nil, nil, false, false
  local hasLeave = #onLeave > 0 and redis.call('EXISTS', KEYS[5]) == 1
  for from = 1, #people, ${sealLength * 1_000} do
    local fields, leaves = {'turns'}, {}
    for at = from, math.min(from + ${sealLength * 999}, #people), ${sealLength} do
      fields[#fields + 1] = string.sub(people, at, at + ${sealLength - 1})
      if hasLeave then leaves[#leaves + 1] = string.sub(onLeave, at, at + ${sealLength - 1}) end
    end
    local turns = redis.call('HMGET', KEYS[1], unpack(fields))
    if hasLeave then leaves = redis.call('HMGET', KEYS[5], unpack(leaves)) end
    total = turns[1]
    for at = 2, #fields do
      local person = fields[at]
      if not (had and had[person]) then
        anyLeft = true
        local turn = tonumber(turns[at] or 0)
        if hasLeave and isAway(leaves[at - 1]) then
          anyAway = true
        elseif not best or turn < bestTurn then
          best, bestTurn = person, turn
        end
      end
    end
  end
  return best, bestTurn, total, anyAway, anyLeft
end

local function countAndTime(person, lastTurn)
  local turn, count, at = string.match(redis.call('HGET', KEYS[1], 's:' .. person) or '', '^(%d+) (%d+) (%d+)$')
  if not turn then return 0, '0' end
  if tonumber(turn) ~= lastTurn then at = '0' end
  return tonumber(count), at
end

local function record(person, number)
  local id
  if number % ${tidyEvery} == 0 then
    id = redis.call('XADD', KEYS[4], 'MAXLEN', '~', ${maxHistoryEntries}, '*', 'e', person .. ARGV[4])
  else
    id = redis.call('XADD', KEYS[4], '*', 'e', person .. ARGV[4])
  end
  return string.match(id, '%d+')
end

local function give(person, number, at, count, lastTurnAt)
  redis.call('HSET', KEYS[1], 'turns', number, person, number, 's:' .. person, number .. ' ' .. count + 1 .. ' ' .. at)
  if number % ${tidyEvery} == 0 or at - lastTurnAt > ${idleMs} then
    redis.call('PEXPIRE', KEYS[1], ${rotationTtlMs})
    redis.call('PEXPIRE', KEYS[4], ${rotationTtlMs})
  end
  -- A user of Redis who may not publish still gets turns. Subscribers then read them some seconds later.
  redis.pcall('PUBLISH', ARGV[5], ARGV[6])
end
`;

const takeScript = (limits: AssignmentLimits) => `
${turnFunctions(limits)}
local newKeys, newRotations = 0, 0
if KEYS[6] then
  local given = redis.call('GET', KEYS[6])
  if given then return {'replayed', string.sub(given, 1, ${sealLength})} end
  newKeys = 1
end
if #people == 0 then return {'nobody'} end
local usedKeys = newKeys > 0 and redis.call('GET', KEYS[2])
if usedKeys and tonumber(usedKeys) >= maxKeysOfRotation then
  return {'limited', 'keysPerRotationPerHour', redis.call('PTTL', KEYS[2])}
end
local best, lastTurn, total = choose()
if not best then return {'nobody'} end
if not total then newRotations = 1 end
local isFree = newKeys + newRotations == 0
if mode == 'ask' and not isFree then return {'costs', newKeys, newRotations} end
local used
if mode == 'charge' and not isFree then
  used = redis.call('HMGET', KEYS[3], 'keys', 'rotations')
  local refused = refusal(KEYS[3], used, newKeys, newRotations, maxKeys, maxRotations)
  if refused then return refused end
end
local count, lastTurnAt = countAndTime(best, lastTurn)

local number = tonumber(total or 0) + 1
local at = record(best, number)
if used then charge(KEYS[3], used, newKeys, newRotations, ${assignmentWindowMs}) end
if newKeys > 0 then
  redis.call('INCR', KEYS[2])
  if not usedKeys then redis.call('PEXPIRE', KEYS[2], ${assignmentWindowMs}) end
  redis.call('SET', KEYS[6], best .. '=' .. number .. ' ' .. lastTurn .. ' ' .. lastTurnAt, 'PX', ${keyTtlMs})
end
give(best, number, at, count, lastTurnAt)
return {'assigned', best, newKeys, newRotations}
`;

/**
 * The turn of a key is a text: the sealed assignee, "=", the number of the turn, the number and the time of the assignee's
 * last turn before it, and, after handovers, each person who has had the key, the hash of the repeat key by which they got it
 * and, unless a repeat counts for as long as the key is known, the time until which it does. An earlier version writes only
 * the assignee, and reads no further than "=".
 */
const handOverScript = (limits: AssignmentLimits) => `
${turnFunctions(limits)}
local stored = redis.call('GET', KEYS[6])
if not stored then return {'unknown'} end
local given = string.sub(stored, 1, ${sealLength})
local turn, before, beforeAt, chain = string.match(stored, '^=(%d+) (%d+) (%d+)(.*)$', ${sealLength + 1})
local had = {[given] = true}
chain = chain or ''
for person, repeatKey, untilMs in string.gmatch(chain, '([%w_-]+):([%w_-]*):?(%d*)') do
  local isRepeat = repeatKey == ARGV[7]
  if isRepeat and (untilMs == '' or tonumber(untilMs) > now()) then return {'replayed', person} end
  had[person] = true
end
local usedKeys = redis.call('GET', KEYS[2])
local best, lastTurn, total, anyAway = choose(had)
if not best then return {anyAway and 'away' or 'excluded'} end
if usedKeys and tonumber(usedKeys) >= maxKeysOfRotation then
  return {'limited', 'keysPerRotationPerHour', redis.call('PTTL', KEYS[2])}
end
if mode == 'ask' then return {'costs', 1, 0} end
local used
if mode == 'charge' then
  used = redis.call('HMGET', KEYS[3], 'keys', 'rotations')
  local refused = refusal(KEYS[3], used, 1, 0, maxKeys, maxRotations)
  if refused then return refused end
end
local count, lastTurnAt = countAndTime(best, lastTurn)
local resetAt = tonumber(redis.call('HGET', KEYS[1], 'reset') or 0)
local leftMs = redis.call('PTTL', KEYS[6])
-- In its last millisecond, or if another program removed the expiry, SET would reject it after the first write.
if leftMs < 1 then leftMs = leftMs == 0 and 1 or ${keyTtlMs} end

local number = tonumber(total or 0) + 1
local at = record(best, number)
if used then charge(KEYS[3], used, 1, 0, ${assignmentWindowMs}) end
redis.call('INCR', KEYS[2])
if not usedKeys then redis.call('PEXPIRE', KEYS[2], ${assignmentWindowMs}) end
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
give(best, number, at, count, lastTurnAt)
return {'assigned', best, 1, 0}
`;

/** KEYS: the turns of the rotation. Numbers continue, so that those of keys stay unique. */
const resetScript = `
local total = redis.call('HGET', KEYS[1], 'turns')
if not total then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'turns', total, 'reset', total)
redis.call('PEXPIRE', KEYS[1], ${rotationTtlMs})
return 1
`;

export type Limited = ['limited', limit: keyof AssignmentLimits, resetMs: number];
export type Costs = ['costs', newKeys: number, newRotations: number];
type Assigned = ['assigned', assignee: string, newKeys: number, newRotations: number];
export type Taken =
  | Assigned
  | ['replayed', assignee: string]
  | ['nobody' | 'unknown' | 'away' | 'excluded']
  | Limited
  | Costs;
type Arguments = Array<string | number>;
type TurnCommands = {
  takeTurn: (...args: Arguments) => Promise<Taken>;
  takeTurnWithKey: (...args: Arguments) => Promise<Taken>;
  handTurnOver: (...args: Arguments) => Promise<Taken>;
  resetTurns: (turns: string) => Promise<number>;
};

/** Defines the scripts as commands of the client. It sends their hash, and the text only if Redis does not know it. */
export const defineTurnCommands = (redis: Redis | Cluster, limits: AssignmentLimits): TurnCommands => {
  const take = takeScript(limits);
  redis.defineCommand('takeTurn' satisfies keyof TurnCommands, { numberOfKeys: 5, lua: take });
  redis.defineCommand('takeTurnWithKey' satisfies keyof TurnCommands, { numberOfKeys: 6, lua: take });
  redis.defineCommand('handTurnOver' satisfies keyof TurnCommands, { numberOfKeys: 6, lua: handOverScript(limits) });
  redis.defineCommand('resetTurns' satisfies keyof TurnCommands, { numberOfKeys: 1, lua: resetScript });
  return redis as unknown as TurnCommands;
};
