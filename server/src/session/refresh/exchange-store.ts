import type { KeyHasher } from '../../platform/key-hasher.ts';
import type { RedisGuard } from '../../platform/redis/redis-guard.ts';
import { entryTtlMs } from '../family/token-refs.ts';
import { type OldToken, resultTtlMs } from './exchange-cache.ts';

/** How long one replica may take for an exchange: 3 s for each of the two refresh endpoints that the Auth Service may have. */
export const lockMs = 7_000;

export type ExchangeStoreOptions = {
  redisGuard: RedisGuard;
  keyHasher: KeyHasher;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The prefix of all keys. */
  prefix: string;
  /** The longest time for which Redis remembers that a token was exchanged, in milliseconds. */
  maxTtlMs: number;
};

/** The outcome of an exchange. `sealed`: the encrypted result, or empty. `isSpent`: the Auth Service has exchanged the token. */
export type StoredOutcome = { sealed: string; isSpent: boolean };

/**
 * KEYS: the lock, the flag that the token was exchanged, and the result. ARGV: the owner, and the lifetime of the lock in
 * milliseconds. Returns {1 if the owner has acquired the lock, 1 if the token was exchanged, the result or ''}.
 */
const claimScript = `
local result = redis.call('GET', KEYS[3]) or ''
if redis.call('EXISTS', KEYS[2]) == 1 then return {0, 1, result} end
local got = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return {got and 1 or 0, 0, result}
`;

/** KEYS: as above. ARGV: the owner; the result or '', and its TTL; the TTL of the flag that the token was exchanged, or 0. */
const settleScript = `
if ARGV[4] ~= '0' then redis.call('SET', KEYS[2], '1', 'PX', ARGV[4]) end
if ARGV[2] ~= '' then redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3]) end
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`;

type Commands = {
  claimExchange: (...args: Array<string | number>) => Promise<[hasLock: number, wasExchanged: number, result: string]>;
  settleExchange: (...args: Array<string | number>) => Promise<number>;
};

/** Exchanges of refresh tokens in Redis. All methods resolve to null while Redis is unavailable. */
export const createExchangeStore = ({ redisGuard, keyHasher, now, prefix, maxTtlMs }: ExchangeStoreOptions) => {
  const { redis, ask } = redisGuard;
  redis.defineCommand('claimExchange' satisfies keyof Commands, { numberOfKeys: 3, lua: claimScript });
  redis.defineCommand('settleExchange' satisfies keyof Commands, { numberOfKeys: 3, lua: settleScript });
  const commands = redis as unknown as Commands;

  /** The hash tag places all three keys on one node of a cluster. */
  const keysOf = (fingerprint: string) => {
    const name = keyHasher('refresh', fingerprint);
    return {
      lock: `${prefix}refresh:{${name}}:lock`,
      exchanged: `${prefix}refresh:{${name}}:exchanged`,
      result: `${prefix}refresh:{${name}}:result`,
    };
  };
  const keyListOf = (fingerprint: string) => Object.values(keysOf(fingerprint));

  return {
    /** Acquires the lock for this owner, if the token was not exchanged and no other owner holds the lock. */
    async claim(fingerprint: string, owner: string) {
      const reply = await ask(() => commands.claimExchange(...keyListOf(fingerprint), owner, lockMs), {
        critical: true,
      });
      if (reply === null) return null;
      const [hasLock, wasExchanged, sealed] = reply;
      return { hasLock: hasLock === 1, wasExchanged: wasExchanged === 1, sealed };
    },

    /** Stores the outcome, and releases the lock if this owner holds it. */
    settle({ fingerprint, expiresAtMs }: OldToken, owner: string, { sealed, isSpent }: StoredOutcome) {
      const spentTtlMs = isSpent ? entryTtlMs(expiresAtMs, now(), maxTtlMs) : 0;
      return ask(() => commands.settleExchange(...keyListOf(fingerprint), owner, sealed, resultTtlMs, spentTtlMs), {
        critical: true,
      });
    },

    /** The encrypted result. Empty: there is none. */
    sealedResult: (fingerprint: string): Promise<string | null> =>
      ask(async () => (await redis.get(keysOf(fingerprint).result)) ?? ''),

    async wasExchanged(fingerprint: string): Promise<boolean | null> {
      const exists = await ask(() => redis.exists(keysOf(fingerprint).exchanged));
      return exists === null ? null : exists === 1;
    },
  };
};
