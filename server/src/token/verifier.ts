import { type AppError, isAppError } from '../errors.ts';
import { type Algorithm, createKeyRing } from './key-ring.ts';
import { createVerifiedCache } from './verified-cache.ts';
import { readToken, refuseExpired, type VerifiedToken, type Verifier } from './verified-token.ts';

export type VerifierOptions = {
  /** The current key first, then older keys that are still accepted during a key rotation. */
  signingKeys: readonly string[];
  /** Default `HS256`. */
  algorithm?: Algorithm;
  /** Seconds before expiry at which a session is refreshed. Default 300. Guide: TOKEN_REFRESH_THRESHOLD. */
  refreshThresholdSeconds?: number;
  /** The most verified tokens cached. Default 10,000. */
  maxCachedTokens?: number;
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?: () => number;
};

/** Verifies tokens with the shared signing key. Source: the guide's "Option 1: Local Validation". */
export const createVerifier = ({
  signingKeys,
  algorithm = 'HS256',
  refreshThresholdSeconds = 300,
  maxCachedTokens = 10_000,
  now = Date.now,
}: VerifierOptions): Verifier => {
  const keyRing = createKeyRing({ signingKeys, algorithm });
  const cache = createVerifiedCache({ maxTokens: maxCachedTokens });

  const verifyAs = (token: string, use: 'access' | 'refresh'): VerifiedToken => {
    const verified = readToken(token, { use, algorithm, nowMs: now(), refreshThresholdSeconds });
    keyRing.verifySignature(token);
    return verified;
  };

  const verifyAccess = (token: string): VerifiedToken => {
    const known = cache.get(token);
    const verified = known ?? verifyAs(token, 'access');
    const nowMs = now();
    if (verified.expiresAtMs <= nowMs) cache.delete(token);
    refuseExpired(verified, nowMs);
    if (known === undefined) cache.set(token, verified);
    return verified;
  };

  const orError = (verify: () => VerifiedToken): VerifiedToken | AppError => {
    try {
      return verify();
    } catch (error) {
      if (isAppError(error)) return error;
      throw error;
    }
  };

  return {
    verify: async (token) => verifyAccess(token),
    verifyHere: (token) => orError(() => verifyAccess(token)),
    verifyHereAtAnyAge: (token) => orError(() => cache.get(token) ?? verifyAs(token, 'access')),
    verifyAtAnyAge: async (token) => verifyAs(token, 'access'),
    async verifyRefresh(token) {
      const verified = verifyAs(token, 'refresh');
      refuseExpired(verified, now());
      return verified;
    },
    verifyRefreshAtAnyAge: async (token) => verifyAs(token, 'refresh'),
    isProven: () => true,
  };
};
