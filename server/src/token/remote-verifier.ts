import type { AuthServiceClient } from '../auth-service/client.ts';
import type { RequestMeta } from '../auth-service/transport.ts';
import { createBoundedMap } from '../platform/bounded-map.ts';
import { AppError } from '../errors.ts';
import type { Algorithm } from './key-ring.ts';
import { fingerprintOf, readToken, refuseExpired, type VerifiedToken, type Verifier } from './verified-token.ts';

/** How long the Auth Service's word is taken for a token, at most; never past its `exp`. */
const rememberedForMs = 30_000;

export type RemoteVerifierOptions = {
  authService: Pick<AuthServiceClient, 'validate'>;
  algorithm: Algorithm;
  refreshThresholdSeconds: number;
  maxCachedTokens?: number;
  now: () => number;
};

/**
 * Asks the Auth Service about each access token, where the signing key cannot be shared. That replaces the
 * signature check alone: spelling, header and every claim rule are those of local validation.
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
  const underWay = new Map<string, Promise<void>>();

  const read = (token: string, use: 'access' | 'refresh') =>
    readToken(token, { use, algorithm, nowMs: now(), refreshThresholdSeconds });

  const ask = async (
    token: string,
    verified: VerifiedToken,
    isUnverified: boolean,
    cause: RequestMeta,
  ): Promise<void> => {
    const askedAtMs = now();
    const { type, id } = verified.principal;
    if (!(await authService.validate({ type, id, accessToken: token, isUnverified, ...cause }))) {
      throw new AppError('token_invalid', { message: 'The token is not valid: the Auth Service does not accept it.' });
    }
    const untilMs = Math.min(askedAtMs + rememberedForMs, verified.expiresAtMs);
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
      // The first sight decides when to refresh, so an entry outlives the trust in it.
      const verified = entry?.token ?? read(token, 'access');
      refuseExpired(verified, now());
      if (entry !== undefined && now() < entry.untilMs) return verified;
      let answer = underWay.get(fingerprint);
      if (answer === undefined) {
        answer = ask(token, verified, entry === undefined, cause).finally(() => underWay.delete(fingerprint));
        underWay.set(fingerprint, answer);
      }
      await answer;
      refuseExpired(verified, now());
      return verified;
    },
    verifyHere: trusted,
    // Trust in an answer of the Auth Service ends after 30 s, however many tokens the request carries.
    verifyHereAtAnyAge: trusted,
    // These go to the Auth Service with the very call that they are read for, or come straight from it.
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
