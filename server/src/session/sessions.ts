import type { AuthServiceClient } from '../auth-service/client.ts';
import { personOf } from '../auth-service/transport.ts';
import type { KeyHasher } from '../platform/key-hasher.ts';
import { createSessionLimits, type SessionLimitsOptions } from '../rate-limit/attempt-limiter.ts';
import type { RedisGuard } from '../platform/redis/redis-guard.ts';
import type { RedisChannel } from '../platform/redis/redis-channel.ts';
import type { Verifier } from '../token/verified-token.ts';
import { createChallenges } from './sign-in/challenges.ts';
import { createDeviceCookies } from './sign-in/device-cookies.ts';
import { longestUnverifiedMs, longestVerifiedMs } from './family/entry-lifetime.ts';
import { establishSession } from './established-session.ts';
import { createExchanges } from './refresh/exchange-cache.ts';
import { createLineage } from './family/token-families.ts';
import { createRefresher, type RefresherOptions } from './refresh/refresher.ts';
import { createSealedGrants } from './refresh/token-set-sealer.ts';
import { createSessionService, type SessionService } from './sign-in/session-service.ts';
import { createSharedExchanges } from './refresh/shared-exchanges.ts';
import { createSharedLineage, type SharedLineageOptions } from './family/shared-families.ts';
import { createTokenProof } from './family/token-proof.ts';

export type SessionsOptions = Pick<RefresherOptions, 'onEnd' | 'onForeignToken' | 'onRefresh'> &
  Pick<SessionLimitsOptions, 'createCounter' | 'networkOf' | 'onLimited'> &
  Pick<RefresherOptions, 'standing'> &
  Pick<SharedLineageOptions, 'onUnstored'> & {
    authService: AuthServiceClient;
    verifier: Verifier;
    /** Whether tokens are verified here. If not, nothing about them is stored for longer than 7 days. */
    isVerifiedHere: boolean;
    sealingSecret: string;
    /** What the replicas share, and where they tell each other of sign-outs. Null: there is one alone. */
    shared: { redisGuard: RedisGuard; channel: RedisChannel } | null;
    /** What every key in Redis begins with. */
    redisPrefix: string;
    names: KeyHasher;
    /** Milliseconds since the epoch. */
    now: () => number;
    /** Monotonic milliseconds. Default `performance.now`. */
    monotonicNow?: (() => number) | undefined;
  };

/** Puts the parts of the sessions together: those of one process, and in front of Redis those that replicas share. */
export const createSessions = (options: SessionsOptions): SessionService => {
  const {
    authService,
    verifier,
    isVerifiedHere,
    sealingSecret,
    shared: sharedBy,
    redisPrefix,
    createCounter,
    names,
    now,
    monotonicNow,
  } = options;
  const { networkOf, onLimited, standing, onForeignToken, onRefresh, onEnd, onUnstored } = options;
  const longestMs = isVerifiedHere ? longestVerifiedMs : longestUnverifiedMs;
  const shared =
    sharedBy === null
      ? { lineage: null, exchanges: null }
      : {
          lineage: createSharedLineage({
            ...sharedBy,
            names,
            now,
            monotonicNow,
            prefix: redisPrefix,
            longestMs,
            onUnstored,
          }),
          exchanges: createSharedExchanges({
            redisGuard: sharedBy.redisGuard,
            names,
            grants: createSealedGrants({ sealingSecret }),
            establish: (grant) => establishSession(grant, { verifier, now }),
            now,
            monotonicNow,
            prefix: redisPrefix,
            longestMs,
          }),
        };
  const lineage = createLineage({ now, shared: shared.lineage });
  const exchanges = createExchanges({ now, shared: shared.exchanges });
  const proof = createTokenProof({ verifier, counter: createCounter(), names, now });
  const limits = createSessionLimits({ createCounter, names, networkOf, onLimited });
  const refresher = createRefresher({
    authService,
    verifier,
    lineage,
    exchanges,
    proof,
    limits,
    standing,
    // Only a token that the Auth Service is known to have issued speaks for a person.
    limitedAs: (subject, { address, isProven }) =>
      isProven ? personOf(subject) : `address ${networkOf(address ?? '')}`,
    now,
    onForeignToken,
    onRefresh,
    onEnd,
  });
  const challenges = createChallenges({ sealingSecret, now, counter: createCounter(), names });
  const deviceCookies = createDeviceCookies({ sealingSecret, names, now });
  return createSessionService({
    authService,
    verifier,
    lineage,
    exchanges,
    challenges,
    deviceCookies,
    refresher,
    proof,
    limits,
    now,
  });
};
