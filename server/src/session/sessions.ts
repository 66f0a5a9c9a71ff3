import type { AuthServiceClient } from '../auth-service/client.ts';
import { personOf } from '../auth-service/transport.ts';
import type { BlindNames } from '../blind-names.ts';
import { createSessionLimits, type SessionLimitsOptions } from '../limits/session-limits.ts';
import type { OptionalRedis } from '../optional-redis.ts';
import type { Verifier } from '../token/verified-token.ts';
import { createChallenges } from './challenge.ts';
import { createDeviceCookies } from './device-cookie.ts';
import { establishSession } from './established-session.ts';
import { createExchanges } from './exchanges.ts';
import { createLineage } from './lineage.ts';
import { createRefresher, type RefresherOptions } from './refresher.ts';
import { createSealedGrants } from './sealed-grant.ts';
import { createSessionService, type SessionService } from './session-service.ts';
import { createSharedExchanges } from './shared-exchanges.ts';
import { createSharedLineage } from './shared-lineage.ts';

export type SessionsOptions = Pick<RefresherOptions, 'onForeignToken' | 'onRefresh'> &
  Pick<SessionLimitsOptions, 'createCounter' | 'networkOf' | 'onLimited'> &
  Pick<RefresherOptions, 'standing'> & {
    authService: AuthServiceClient;
    verifier: Verifier;
    /** Whether a refresh token is verified here: whom it speaks for is believed only then. */
    isVerifiedHere: boolean;
    sealingSecret: string;
    /** What the replicas share. Null: there is one alone. */
    optionalRedis: OptionalRedis | null;
    /** What every key in Redis begins with. */
    redisPrefix: string;
    names: BlindNames;
    /** Milliseconds since the epoch. */
    now: () => number;
    /** Milliseconds of a clock that only goes forward. Default `performance.now`. */
    clock?: (() => number) | undefined;
  };

/** Puts the parts of the sessions together: those of one process, and in front of Redis those that replicas share. */
export const createSessions = (options: SessionsOptions): SessionService => {
  const {
    authService,
    verifier,
    isVerifiedHere,
    sealingSecret,
    optionalRedis,
    redisPrefix,
    createCounter,
    names,
    now,
    clock,
  } = options;
  const { networkOf, onLimited, standing, onForeignToken, onRefresh } = options;
  const shared =
    optionalRedis === null
      ? { lineage: null, exchanges: null }
      : {
          lineage: createSharedLineage({ optionalRedis, names, now, prefix: redisPrefix }),
          exchanges: createSharedExchanges({
            optionalRedis,
            names,
            grants: createSealedGrants({ sealingSecret }),
            establish: (grant) => establishSession(grant, { verifier, now }),
            now,
            clock,
            prefix: redisPrefix,
          }),
        };
  const lineage = createLineage({ now, shared: shared.lineage });
  const exchanges = createExchanges({ now, shared: shared.exchanges });
  const limits = createSessionLimits({ createCounter, names, networkOf, onLimited });
  const refresher = createRefresher({
    authService,
    verifier,
    lineage,
    exchanges,
    limits,
    standing,
    limitedAs: (subject, { address }) => (isVerifiedHere ? personOf(subject) : `address ${networkOf(address ?? '')}`),
    now,
    onForeignToken,
    onRefresh,
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
    limits,
    now,
  });
};
