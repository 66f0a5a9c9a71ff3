import type { Cluster, Redis } from 'ioredis';
import type { Revocation } from './revocation-queue.ts';

/** The prefix of the fields of a family that hold the expiry of an access token. The script below contains it as well. */
export const tokenField = 'token:';

/**
 * KEYS: the family. ARGV: its minimum TTL and the current time, in milliseconds, then optionally the name of an access
 * token and its expiry. Returns {the time of the sign-out or '', 1 if the family was replaced, the time from which it counts
 * as begun or ''}. A family that was signed
 * out accepts no more tokens. Expired tokens are dropped.
 */
const addTokenScript = `
local ended = redis.call('HGET', KEYS[1], 'ended')
if not ended then
  local fields = redis.call('HGETALL', KEYS[1])
  for at = 1, #fields, 2 do
    if string.sub(fields[at], 1, 6) == 'token:' and tonumber(fields[at + 1]) < tonumber(ARGV[2]) then
      redis.call('HDEL', KEYS[1], fields[at])
    end
  end
  if ARGV[3] then redis.call('HSET', KEYS[1], 'token:' .. ARGV[3], ARGV[4]) end
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
end
return {ended or '', redis.call('HEXISTS', KEYS[1], 'replaced'), redis.call('HGET', KEYS[1], 'since') or ''}
`;

/** KEYS: the family. ARGV: 'ended' or 'replaced', the time, and the minimum TTL in milliseconds. Returns all fields and values. */
const revokeScript = `
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return redis.call('HGETALL', KEYS[1])
`;

/** KEYS: the family. ARGV: the time from which it counts as begun, and the minimum TTL, in milliseconds. Returns all fields and values. */
const keepScript = `
local since = redis.call('HGET', KEYS[1], 'since')
if not since or tonumber(since) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'since', ARGV[1]) end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('HGETALL', KEYS[1])
`;

type FamilyCommands = {
  addTokenToFamily: (
    family: string,
    ...args: Array<string | number>
  ) => Promise<[ended: string, isReplaced: number, since: string]>;
  revokeFamily: (family: string, what: Revocation['what'], atMs: number, ttlMs: number) => Promise<string[]>;
  keepFamily: (family: string, sinceMs: number, ttlMs: number) => Promise<string[]>;
};

/** Defines the scripts as commands of the client. */
export const defineFamilyCommands = (redis: Redis | Cluster): FamilyCommands => {
  redis.defineCommand('addTokenToFamily' satisfies keyof FamilyCommands, { numberOfKeys: 1, lua: addTokenScript });
  redis.defineCommand('revokeFamily' satisfies keyof FamilyCommands, { numberOfKeys: 1, lua: revokeScript });
  redis.defineCommand('keepFamily' satisfies keyof FamilyCommands, { numberOfKeys: 1, lua: keepScript });
  return redis as unknown as FamilyCommands;
};
