import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { TokenSet } from '../../auth-service/token-set.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { EstablishedSession } from '../established-session.ts';
import type { OldToken } from './exchange-cache.ts';
import { createExchangeStore, type ExchangeStoreOptions, lockMs, type StoredOutcome } from './exchange-store.ts';
import type { TokenSetSealer } from './token-set-sealer.ts';

/** How long a replica waits for other replicas. Each of them may hold the lock for `lockMs`. */
const maxWaitMs = 2 * lockMs;
const pollMs = 25;

export type SharedExchangesOptions = ExchangeStoreOptions & {
  tokenSetSealer: TokenSetSealer;
  /** Verifies tokens that were opened. */
  establish: (tokenSet: TokenSet) => Promise<EstablishedSession>;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: (() => number) | undefined;
  /** Resolves after this many milliseconds. Default: a timer. */
  sleep?: (ms: number) => Promise<unknown>;
};

export type OnceOptions = {
  /** Whether the result of another replica still serves this request. */
  isUseful: (session: EstablishedSession) => boolean;
  /** Calls the Auth Service. Calls `onSpent` as soon as the old token is spent, even if the new tokens turn out to be unusable. */
  exchange: (onSpent: () => void) => Promise<EstablishedSession>;
};

type Claim =
  /** Another replica has exchanged the token, and its result is useful. */
  | { state: 'result'; session: EstablishedSession }
  /** The token was exchanged, but no useful result is left. */
  | { state: 'spent' }
  /** This replica holds the lock. */
  | { state: 'acquired' }
  /** Another replica holds the lock. */
  | { state: 'locked' }
  /** Redis does not reply. */
  | { state: 'unavailable' };

/** A claim after the wait for the lock. `lost`: Redis became unavailable during the wait. */
type SettledClaim = Exclude<Claim, { state: 'locked' }> | { state: 'lost' };

/** One call of `once`. `owner` identifies it as the owner of the lock. */
type Attempt = OnceOptions & { old: OldToken; owner: string; deadlineMs: number };

const superseded = () => new AppError('refresh_superseded');

/**
 * Single-flight exchange of a refresh token among all replicas: the owner of a lock in Redis calls the Auth Service, and
 * the others poll for its result, which Redis keeps sealed for 30 s. The lock expires, in case its owner dies.
 */
export const createSharedExchanges = (options: SharedExchangesOptions) => {
  const { tokenSetSealer, establish, sleep = delay, monotonicNow = () => performance.now() } = options;
  const store = createExchangeStore(options);

  /** Null: there is no result, or its tokens are no longer valid. */
  const open = async (sealed: string, oldToken: string): Promise<EstablishedSession | null> => {
    const tokenSet = sealed === '' ? null : await tokenSetSealer.open(sealed, oldToken);
    return tokenSet === null ? null : establish(tokenSet).catch(() => null);
  };

  const settle = ({ old, owner }: Attempt, outcome: StoredOutcome) => store.settle(old, owner, outcome);
  const release = (attempt: Attempt) => settle(attempt, { sealed: '', isSpent: false });

  const claim = async (attempt: Attempt): Promise<Claim> => {
    const { old, owner, isUseful } = attempt;
    const reply = await store.claim(old.fingerprint, owner);
    if (reply === null) return { state: 'unavailable' };
    const { hasLock, wasExchanged, sealed } = reply;
    const session = await open(sealed, old.token);
    if (session !== null && isUseful(session)) {
      if (hasLock) await release(attempt);
      return { state: 'result', session };
    }
    if (wasExchanged) return { state: 'spent' };
    return { state: hasLock ? 'acquired' : 'locked' };
  };

  /** Polls until no other replica holds the lock. Throws `auth_service_unavailable` at the deadline. */
  const claimOrWait = async (attempt: Attempt): Promise<SettledClaim> => {
    for (let hasWaited = false; ; hasWaited = true) {
      const current = await claim(attempt);
      if (current.state === 'unavailable' && hasWaited) return { state: 'lost' };
      if (current.state !== 'locked') return current;
      if (monotonicNow() >= attempt.deadlineMs) {
        throw new AppError('auth_service_unavailable', { retryAfterSeconds: 1 });
      }
      await sleep(pollMs);
    }
  };

  /** Resolves to the session, or to the error with which the Auth Service has rejected the old token. */
  const exchangeAndStore = async (attempt: Attempt): Promise<EstablishedSession | AppError> => {
    let sealed = '';
    let isSpent = false;
    try {
      const session = await attempt.exchange(() => {
        isSpent = true;
      });
      sealed = await tokenSetSealer.seal(session, attempt.old.token);
      return session;
    } catch (error) {
      // A session that was signed out meanwhile has the same reason, but does not end a session: it is no rejection.
      if (!isSpent && isAppError(error, 'session_ended') && error.endsSession) return error;
      throw error;
    } finally {
      await settle(attempt, { sealed, isSpent });
    }
  };

  /**
   * After a rejection: another replica may have exchanged the token first, either unseen while Redis was unavailable, or
   * because it took longer than its lock. Throws the rejection if no replica has.
   */
  const resultDespite = async (rejection: AppError, attempt: Attempt): Promise<EstablishedSession> => {
    const found = await claimOrWait(attempt);
    switch (found.state) {
      case 'result':
        return found.session;
      case 'spent':
        throw superseded();
      case 'acquired':
        await release(attempt);
        break;
      case 'unavailable':
      case 'lost':
        break;
    }
    throw rejection;
  };

  const exchangeOnce = async (attempt: Attempt): Promise<EstablishedSession> => {
    const claimed = await claimOrWait(attempt);
    switch (claimed.state) {
      case 'result':
        return claimed.session;
      case 'spent':
        throw superseded();
      case 'lost':
        // Another replica exchanges the token: a second exchange would be rejected and would end the session.
        throw new AppError('store_unavailable', { retryAfterSeconds: 1 });
      case 'acquired':
      case 'unavailable':
        break;
    }
    const outcome = await exchangeAndStore(attempt);
    return outcome instanceof AppError ? resultDespite(outcome, attempt) : outcome;
  };

  return {
    /** The session for which this token was exchanged within the last 30 s. Null also while Redis is unavailable. */
    async resultOf({
      token,
      fingerprint,
    }: Pick<OldToken, 'token' | 'fingerprint'>): Promise<EstablishedSession | null> {
      return open((await store.sealedResult(fingerprint)) ?? '', token);
    },

    /** Whether this token was exchanged, also longer ago. Null while Redis is unavailable. */
    wasExchanged: store.wasExchanged,

    /**
     * Exchanges a refresh token, or returns the useful result of another replica. If Redis is unavailable from the
     * beginning, exchanges the token without the lock. Throws `refresh_superseded` if the token was exchanged longer ago,
     * and `store_unavailable` if Redis became unavailable while another replica held the lock.
     */
    once: (old: OldToken, { isUseful, exchange }: OnceOptions): Promise<EstablishedSession> =>
      exchangeOnce({ old, isUseful, exchange, owner: randomUUID(), deadlineMs: monotonicNow() + maxWaitMs }),
  };
};

export type SharedExchanges = ReturnType<typeof createSharedExchanges>;
