import type { AuthServiceClient } from '../auth-service/client.ts';
import type { RequestMeta } from '../auth-service/caller.ts';
import { createBoundedMap } from '../platform/bounded-map.ts';
import { AppError } from '../errors.ts';
import type { Algorithm } from './key-ring.ts';
import { fingerprintOf, readToken, refuseExpired, type VerifiedToken, type Verifier } from './verified-token.ts';

/** How long a positive validation is cached. Never beyond the token's `exp`. */
const maxTrustMs = 30_000;

export type RemoteVerifierOptions = {
  authService: Pick<AuthServiceClient, 'validate'>;
  algorithm: Algorithm;
  refreshThresholdSeconds: number;
  maxCachedTokens?: number;
  now: () => number;
};

/**
 * Has the Auth Service validate access tokens, for deployments that cannot share the signing key. This replaces only the
 * signature check: encoding, header and claims are checked as in local validation.
 * Source: the guide's "Option 2: Remote Validation".
 */
export const createRemoteVerifier = ({
  authService,
  algorithm,
  refreshThresholdSeconds,
  maxCachedTokens = 10_000,
  now,
}: RemoteVerifierOptions): Verifier => {
  const accepted = createBoundedMap<string, { token: VerifiedToken; untilMs: number }>(maxCachedTokens);
  const inFlight = new Map<string, Promise<void>>();

  const read = (token: string, use: 'access' | 'refresh') =>
    readToken(token, { use, algorithm, nowMs: now(), refreshThresholdSeconds });

  const validate = async (
    token: string,
    verified: VerifiedToken,
    isUnverified: boolean,
    cause: RequestMeta,
  ): Promise<void> => {
    const sentAtMs = now();
    const { type, id } = verified.principal;
    if (!(await authService.validate({ type, id, accessToken: token, isUnverified, ...cause }))) {
      throw new AppError('token_invalid', { message: 'The token is not valid: the Auth Service rejected it.' });
    }
    const untilMs = Math.min(sentAtMs + maxTrustMs, verified.expiresAtMs);
    accepted.set(verified.fingerprint, { token: verified, untilMs });
  };

  const trusted = (token: string): VerifiedToken | null => {
    const entry = accepted.get(fingerprintOf(token));
    return entry !== undefined && now() < entry.untilMs ? entry.token : null;
  };

  return {
    async verify(token, cause = {}) {
      const fingerprint = fingerprintOf(token);
      const entry = accepted.get(fingerprint);
      // The first read determines `refreshAtMs`, so that an entry is kept longer than it is trusted.
      const verified = entry?.token ?? read(token, 'access');
      refuseExpired(verified, now());
      if (entry !== undefined && now() < entry.untilMs) return verified;
      let validation = inFlight.get(fingerprint);
      if (validation === undefined) {
        validation = validate(token, verified, entry === undefined, cause).finally(() => inFlight.delete(fingerprint));
        inFlight.set(fingerprint, validation);
      }
      await validation;
      refuseExpired(verified, now());
      return verified;
    },
    verifyHere: trusted,
    // The trust ends after 30 s, regardless of the number of presented tokens.
    verifyHereAtAnyAge: trusted,
    // These tokens are sent to the Auth Service with the next call, or were just issued by it.
    async verifyAtAnyAge(token) {
      return read(token, 'access');
    },
    async verifyRefresh(token) {
      const verified = read(token, 'refresh');
      refuseExpired(verified, now());
      return verified;
    },
    async verifyRefreshAtAnyAge(token) {
      return read(token, 'refresh');
    },
    isProven: ({ fingerprint }) => accepted.has(fingerprint),
  };
};
