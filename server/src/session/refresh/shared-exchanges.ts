import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { TokenSet } from '../../auth-service/token-set.ts';
import type { KeyHasher } from '../../platform/key-hasher.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { RedisGuard } from '../../platform/redis/redis-guard.ts';
import { entryLifetimeMs } from '../family/entry-lifetime.ts';
import type { EstablishedSession } from '../established-session.ts';
import { type OldToken, sharedForMs } from './exchanges.ts';
import type { SealedGrants } from './sealed-grant.ts';

/** How long one replica may take for an exchange: the Auth Service has 3 s for each of the two endpoints that it may have. */
const lockMs = 7_000;
/** How long a replica waits for others that exchange. Each of them has `lockMs`. */
const waitsForMs = 2 * lockMs;
const pollMs = 25;

export type SharedExchangesOptions = {
  redisGuard: RedisGuard;
  names: KeyHasher;
  grants: SealedGrants;
  /** Makes a session of tokens that were sealed. */
  establish: (grant: TokenSet) => Promise<EstablishedSession>;
  now: () => number;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: (() => number) | undefined;
  /** Resolves after so many milliseconds. */
  sleep?: (ms: number) => Promise<unknown>;
  /** What all keys begin with. */
  prefix: string;
  /** The longest that it is remembered that a token was exchanged, in milliseconds. */
  longestMs: number;
};

export type OnceOptions = {
  /** Whether what another replica has got is of use to whoever asks now. */
  isUseful: (session: EstablishedSession) => boolean;
  /** Asks the Auth Service, and says as soon as the old token is spent, whatever comes of the new one. */
  exchange: (noteSpent: () => void) => Promise<EstablishedSession>;
};

/**
 * KEYS: the lock, the fact that the token was exchanged, and the result. ARGV: who asks, and how long the lock holds,
 * in milliseconds. Answers {whether the asker has the lock now, whether the token was exchanged, the result or ''}.
 */
const claimScript = `
local result = redis.call('GET', KEYS[3]) or ''
if redis.call('EXISTS', KEYS[2]) == 1 then return {0, 1, result} end
local got = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return {got and 1 or 0, 0, result}
`;

/** KEYS as above. ARGV: who asks; the result or '', and its lifetime; how long it is remembered that the token is spent, or 0. */
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

/**
 * One exchange of a refresh token among all replicas, in Redis: whoever has the lock asks the Auth Service, the others
 * wait for the result, which lies there for 30 s, sealed. The lock has a bound, so that nobody waits for the dead.
 */
export const createSharedExchanges = (options: SharedExchangesOptions) => {
  const { redisGuard, names, grants, establish, now, sleep = delay, prefix, longestMs } = options;
  const monotonicNow = options.monotonicNow ?? (() => performance.now());
  const { redis, ask } = redisGuard;
  redis.defineCommand('claimExchange' satisfies keyof Commands, { numberOfKeys: 3, lua: claimScript });
  redis.defineCommand('settleExchange' satisfies keyof Commands, { numberOfKeys: 3, lua: settleScript });
  const commands = redis as unknown as Commands;

  /** All three on one node of a cluster. */
  const keysOf = (fingerprint: string) => {
    const name = names('refresh', fingerprint);
    return {
      lock: `${prefix}refresh:{${name}}:lock`,
      exchanged: `${prefix}refresh:{${name}}:exchanged`,
      result: `${prefix}refresh:{${name}}:result`,
    };
  };
  const listOf = (fingerprint: string) => Object.values(keysOf(fingerprint));

  const open = async (sealed: string, token: string): Promise<EstablishedSession | null> => {
    const grant = sealed === '' ? null : await grants.open(sealed, token);
    // Tokens that hold no more, such as those that have expired meanwhile, are no result.
    return grant === null ? null : establish(grant).catch(() => null);
  };

  const settle = (old: OldToken, owner: string, sealed: string, isSpent: boolean) => {
    const spentMs = isSpent ? entryLifetimeMs(old.expiresAtMs, now(), longestMs) : 0;
    return ask(() => commands.settleExchange(...listOf(old.fingerprint), owner, sealed, sharedForMs, spentMs), {
      critical: true,
    });
  };

  return {
    /** What this token was exchanged for within the last 30 s. Null also while Redis is away. */
    async resultOf({
      token,
      fingerprint,
    }: Pick<OldToken, 'token' | 'fingerprint'>): Promise<EstablishedSession | null> {
      const sealed = await ask(async () => (await redis.get(keysOf(fingerprint).result)) ?? '');
      return open(sealed ?? '', token);
    },

    /** Null while Redis is away. */
    async wasExchanged(fingerprint: string): Promise<boolean | null> {
      const answer = await ask(() => redis.exists(keysOf(fingerprint).exchanged));
      return answer === null ? null : answer === 1;
    },

    /**
     * Exchanges a refresh token, or gives what another replica has got for it, where `isUseful` says so. Where Redis
     * is away from the beginning, it exchanges all the same. Throws `refresh_superseded` for a token that was
     * exchanged longer ago, `store_unavailable` where Redis went away while another replica was at it.
     */
    async once(old: OldToken, { isUseful, exchange }: OnceOptions): Promise<EstablishedSession> {
      const owner = randomUUID();
      const untilMs = monotonicNow() + waitsForMs;
      let isSpent = false;
      const exchangeAndTell = async (): Promise<EstablishedSession> => {
        let sealed = '';
        try {
          const session = await exchange(() => {
            isSpent = true;
          });
          sealed = await grants.seal(session, old.token);
          return session;
        } finally {
          await settle(old, owner, sealed, isSpent);
        }
      };
      let refusal: AppError | null = null;
      for (let isWaiting = false; ; isWaiting = true) {
        const claim = await ask(() => commands.claimExchange(...listOf(old.fingerprint), owner, lockMs), {
          critical: true,
        });
        if (claim === null) {
          if (refusal !== null) throw refusal;
          // To ask as well would be to have the token refused, and the person signed out.
          if (isWaiting) throw new AppError('store_unavailable', { retryAfterSeconds: 1 });
        }
        const [hasLock, wasExchanged, sealed] = claim ?? [1, 0, ''];
        const result = await open(sealed, old.token);
        if (result !== null && isUseful(result)) {
          if (hasLock === 1) await settle(old, owner, '', false);
          return result;
        }
        if (wasExchanged === 1) throw new AppError('refresh_superseded');
        if (hasLock === 1) {
          if (refusal !== null) {
            await settle(old, owner, '', false);
            throw refusal;
          }
          try {
            return await exchangeAndTell();
          } catch (error) {
            // A sign-out meanwhile is no refusal, and ends no session again.
            if (isSpent || !isAppError(error, 'session_ended') || !error.endsSession) throw error;
            // Another replica may turn out to have been first: one that could not be seen while Redis was away, or that
            // took longer than its lock.
            refusal = error;
            continue;
          }
        }
        if (monotonicNow() >= untilMs) throw new AppError('auth_service_unavailable', { retryAfterSeconds: 1 });
        await sleep(pollMs);
      }
    },
  };
};

export type SharedExchanges = ReturnType<typeof createSharedExchanges>;
