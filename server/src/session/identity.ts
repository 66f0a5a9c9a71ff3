import type { AuthServiceClient } from '../auth-service/client.ts';
import type { Directory } from '../directory/directory.ts';
import type { Audit } from '../platform/audit.ts';
import type { Platform } from '../platform/platform.ts';
import type { AccountLimiter } from '../rate-limit/account-limiter.ts';
import type { AttemptLimiter } from '../rate-limit/attempt-limiter.ts';
import type { Counters } from '../rate-limit/counters.ts';
import { createTokenChooser } from '../token/token-chooser.ts';
import { createRemoteVerifier } from '../token/remote-verifier.ts';
import { createVerifier } from '../token/verifier.ts';
import { createMembership } from './membership.ts';
import { createTokenOwners } from './token-owners.ts';
import { createAccountStatus } from './refresh/account-status.ts';
import { createSessionEnds, type SessionEndsOptions } from './session-end/session-ends.ts';
import { createSessions, type SessionsOptions } from './sessions.ts';

export type IdentityOptions = Pick<SessionEndsOptions, 'sweep' | 'recheckMs'> & {
  platform: Platform;
  authService: AuthServiceClient;
  directory: Directory;
  createAttemptCounter: Counters['createAttemptCounter'];
  attemptLimiter: AttemptLimiter;
  accountLimiter: AccountLimiter;
  audit: Audit;
  networkOf: SessionsOptions['networkOf'];
};

/** Composes the services that identify a caller: token verification, sessions, account status and membership. */
export const createIdentity = (options: IdentityOptions) => {
  const { platform, authService, directory, createAttemptCounter, attemptLimiter, accountLimiter } = options;
  const { audit, networkOf, sweep, recheckMs } = options;
  const { config, log, metrics, keyHasher, redis, now, monotonicNow } = platform;
  const { algorithm, refreshThresholdSeconds, signingKeys, sealingSecret, redisPrefix } = config;
  const isVerifiedHere = config.tokenValidation === 'local';
  const verifier = isVerifiedHere
    ? createVerifier({ signingKeys, algorithm, refreshThresholdSeconds, now })
    : createRemoteVerifier({ authService, algorithm, refreshThresholdSeconds, now });
  const accountStatus = createAccountStatus({ directory, authService });
  const sessions = createSessions({
    authService,
    verifier,
    accountStatus,
    isVerifiedHere,
    sealingSecret,
    shared: redis === null ? null : { redisGuard: redis.guard, channel: redis.signOutChannel },
    redisPrefix,
    createCounter: createAttemptCounter,
    attemptLimiter,
    accountLimiter,
    keyHasher,
    networkOf,
    now,
    monotonicNow,
    onRefresh: metrics.countRefresh,
    onUnstored: ({ cause, isPublished, waiting }) =>
      log.error(
        { cause, waiting, channel: redis?.signOutChannel.name },
        isPublished
          ? 'Redis rejected the write of sign-outs. The other replicas received them by PUBLISH and keep them in memory. The BFF stores them once Redis accepts writes. If `cause` is OOM, raise maxmemory or free memory, and restart no replica before that.'
          : 'Sign-outs do not reach the other replicas, which still accept these sessions: Redis rejects the writes and rejects PUBLISH. The BFF stores them once Redis accepts writes. If `cause` is OOM, raise maxmemory or free memory. Grant the Redis user PUBLISH on this channel.',
      ),
    onEnd: (end, cause) => audit.write({ audit: 'session_ended', ...end }, cause),
    onForeignToken: (requestId) =>
      log.error(
        { requestId },
        'The Auth Service answered a refresh with the token of another person; the BFF discarded both tokens.',
      ),
    onSignOut: () => sessionEnds.onSignOut(),
  });
  const sessionEnds = createSessionEnds({ sessions, accountStatus, sweep, recheckMs, monotonicNow });
  return {
    sessions,
    sessionEnds,
    verifier,
    accountStatus,
    tokenChooser: createTokenChooser({ verifier, now }),
    membership: createMembership({ user: directory.user }),
    tokenOwnersOf: createTokenOwners({ verifier, isVerifiedHere }),
  };
};

export type Identity = ReturnType<typeof createIdentity>;
