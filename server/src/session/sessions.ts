import type { AuthServiceClient } from '../auth-service/client.ts';
import { personOf } from '../auth-service/caller.ts';
import type { KeyHasher } from '../platform/key-hasher.ts';
import type { RedisChannel } from '../platform/redis/redis-channel.ts';
import type { RedisGuard } from '../platform/redis/redis-guard.ts';
import type { AccountLimiter } from '../rate-limit/account-limiter.ts';
import type { AttemptLimiter, AttemptLimiterOptions } from '../rate-limit/attempt-limiter.ts';
import type { Verifier } from '../token/verified-token.ts';
import { type Cutoffs, createCutoffs } from './cutoff/cutoffs.ts';
import { createEndSessions } from './cutoff/end-sessions.ts';
import { establishSession } from './established-session.ts';
import { createSharedFamilies, type SharedFamiliesOptions } from './family/shared-families.ts';
import { createTokenFamilies } from './family/token-families.ts';
import { createTokenProof } from './family/token-proof.ts';
import { maxTtlUnverifiedMs, maxTtlVerifiedMs } from './family/token-refs.ts';
import { createExchangeCache } from './refresh/exchange-cache.ts';
import { createRefresher, type RefresherOptions } from './refresh/refresher.ts';
import { createSharedExchanges } from './refresh/shared-exchanges.ts';
import { createTokenSetSealer } from './refresh/token-set-sealer.ts';
import { createChallenges } from './sign-in/challenges.ts';
import { createDeviceCookies } from './sign-in/device-cookies.ts';
import { createSessionService, type SessionService } from './sign-in/session-service.ts';

export type SessionsOptions = Pick<RefresherOptions, 'accountStatus' | 'onEnd' | 'onForeignToken' | 'onRefresh'> &
  Pick<AttemptLimiterOptions, 'createCounter' | 'networkOf'> &
  Pick<SharedFamiliesOptions, 'onUnstored' | 'onSignOut'> & {
    authService: AuthServiceClient;
    verifier: Verifier;
    attemptLimiter: AttemptLimiter;
    accountLimiter: Pick<AccountLimiter, 'resendCode'>;
    /** Whether the BFF verifies signatures. If not, Redis entries about tokens live for at most 7 days. */
    isVerifiedHere: boolean;
    sealingSecret: string;
    /** The Redis of all replicas, and the channel on which they publish sign-outs. Null: there is only this replica. */
    shared: { redisGuard: RedisGuard; channel: RedisChannel } | null;
    /** The prefix of all keys in Redis. */
    redisPrefix: string;
    keyHasher: KeyHasher;
    /** Milliseconds since the epoch. */
    now: () => number;
    /** Monotonic milliseconds. Default `performance.now`. */
    monotonicNow?: (() => number) | undefined;
  };

const createShared = (
  options: SessionsOptions,
  { redisGuard, channel }: NonNullable<SessionsOptions['shared']>,
  cutoffs: Cutoffs,
) => {
  const { verifier, isVerifiedHere, sealingSecret, redisPrefix, keyHasher, now, monotonicNow } = options;
  const { onUnstored, onSignOut } = options;
  const maxTtlMs = isVerifiedHere ? maxTtlVerifiedMs : maxTtlUnverifiedMs;
  const common = { redisGuard, keyHasher, now, monotonicNow, prefix: redisPrefix, maxTtlMs };
  return {
    families: createSharedFamilies({ ...common, channel, onUnstored, onCutoff: cutoffs.raise, onSignOut }),
    exchanges: createSharedExchanges({
      ...common,
      tokenSetSealer: createTokenSetSealer({ sealingSecret }),
      establish: (tokenSet) => establishSession(tokenSet, { verifier, now }),
    }),
  };
};

/** Composes the session service: state in this process and, with Redis, the state that replicas share. */
export const createSessions = (options: SessionsOptions): SessionService => {
  const { authService, verifier, accountStatus, sealingSecret, createCounter, keyHasher, now } = options;
  const { attemptLimiter, accountLimiter, networkOf, onForeignToken, onRefresh, onEnd, onSignOut } = options;
  const cutoffs = createCutoffs({ keyHasher, now });
  const shared = options.shared === null ? null : createShared(options, options.shared, cutoffs);
  const tokenFamilies = createTokenFamilies({ now, cutoffs, shared: shared?.families ?? null, onSignOut });
  const exchangeCache = createExchangeCache({ now, shared: shared?.exchanges ?? null });
  const tokenProof = createTokenProof({ verifier, counter: createCounter(), keyHasher, now });
  const refresher = createRefresher({
    authService,
    verifier,
    tokenFamilies,
    exchangeCache,
    tokenProof,
    attemptLimiter,
    accountStatus,
    // An unproven token does not identify a person.
    limitSubjectOf: (subject, { address, isProven }) =>
      isProven ? personOf(subject) : `address ${networkOf(address ?? '')}`,
    now,
    onForeignToken,
    onIssue: cutoffs.observeIssue,
    onRefresh,
    onEnd,
  });
  const challenges = createChallenges({ sealingSecret, now, counter: createCounter(), keyHasher });
  const deviceCookies = createDeviceCookies({ sealingSecret, keyHasher, now });
  return createSessionService({
    authService,
    verifier,
    tokenFamilies,
    exchangeCache,
    challenges,
    deviceCookies,
    refresher,
    tokenProof,
    attemptLimiter,
    endSessions: createEndSessions({ verifier, cutoffs, tokenFamilies, tokenProof }),
    onIssue: cutoffs.observeIssue,
    accountLimiter,
    now,
  });
};
