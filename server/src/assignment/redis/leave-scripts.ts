import type { Cluster, Redis } from 'ioredis';
import { sealLength } from './person-seal.ts';

/** A leave is its end in milliseconds since the epoch, 0 for none, a colon, and the sealed note. The clock of Redis decides. */
export const leaveFunction = `
local nowMs
local function now()
  if not nowMs then
    local time = redis.call('TIME')
    nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return nowMs
end
local function isAway(leave)
  if not leave then return false end
  -- A leave that no replica wrote is none: an error would stop the turns of the whole system.
  local untilMs = tonumber(string.match(leave, '^(%d+):')) or 1
  return untilMs == 0 or untilMs > now()
end
`;

/** KEYS: the leave of a system. ARGV: sealed people as one text. Returns their leaves that have not ended. */
const readScript = `
${leaveFunction}
local found = {}
if redis.call('EXISTS', KEYS[1]) == 0 then return found end
for at = 1, #ARGV[1], ${sealLength} do
  local leave = redis.call('HGET', KEYS[1], string.sub(ARGV[1], at, at + ${sealLength - 1}))
  found[#found + 1] = isAway(leave) and leave or ''
end
return found
`;

/**
 * KEYS: the leave of a system. ARGV: the sealed person, the leave or an empty text, the maximum of leaves. Drops the leaves
 * that have ended, and lets Redis drop the hash when the last one ends.
 */
const setScript = `
${leaveFunction}
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return 'set'
end
if not isAway(ARGV[2]) then return 'past' end
local lastMs = tonumber(string.match(ARGV[2], '^%d+'))
local isEndless, kept, ended = lastMs == 0, 0, {}
local leaves = redis.call('HGETALL', KEYS[1])
for at = 1, #leaves, 2 do
  if leaves[at] ~= ARGV[1] then
    if isAway(leaves[at + 1]) then
      local untilMs = tonumber(string.match(leaves[at + 1], '^%d+'))
      kept = kept + 1
      isEndless = isEndless or untilMs == 0
      lastMs = math.max(lastMs, untilMs)
    else
      ended[#ended + 1] = leaves[at]
    end
  end
end
if kept >= tonumber(ARGV[3]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
for _, person in ipairs(ended) do redis.call('HDEL', KEYS[1], person) end
if isEndless then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIREAT', KEYS[1], string.format('%d', lastMs)) end
return 'set'
`;

type LeaveCommands = {
  readLeaves: (key: string, people: string) => Promise<string[]>;
  setLeave: (key: string, person: string, leave: string, max: number) => Promise<'set' | 'past' | 'full'>;
};

export const defineLeaveCommands = (redis: Redis | Cluster): LeaveCommands => {
  redis.defineCommand('readLeaves' satisfies keyof LeaveCommands, { numberOfKeys: 1, lua: readScript });
  redis.defineCommand('setLeave' satisfies keyof LeaveCommands, { numberOfKeys: 1, lua: setScript });
  return redis as unknown as LeaveCommands;
};
