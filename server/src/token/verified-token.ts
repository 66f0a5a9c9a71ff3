import { hash } from 'node:crypto';
import type { RequestMeta } from '../auth-service/caller.ts';
import { AppError } from '../errors.ts';
import { checkClaims, type TokenUse } from './claim-rules.ts';
import { deepFreeze } from './deep-freeze.ts';
import { checkHeader } from './header-rules.ts';
import { claimsToPrincipal, type Principal } from './principal.ts';
import { type JsonObject, strictParse } from './strict-parse.ts';

/** A verified token, deeply frozen. Times are milliseconds since the epoch. */
export type VerifiedToken = {
  principal: Principal;
  payload: JsonObject;
  /** Null: the token has no `iat`. */
  issuedAtMs: number | null;
  expiresAtMs: number;
  /** When the client should refresh the session. */
  refreshAtMs: number;
  /** SHA-256 of the whole token: its key in caches and lists. */
  fingerprint: string;
};

export type Verifier = {
  /** Verifies a presented access token. Throws `token_invalid`, `token_expired`; in remote mode also during an outage. */
  verify(token: string, options?: RequestMeta): Promise<VerifiedToken>;
  /** As `verify`, without I/O: returns the token or the error. Null: only the Auth Service can tell. */
  verifyHere(token: string): VerifiedToken | AppError | null;
  /** As `verifyHere`, but accepts expired tokens. */
  verifyHereAtAnyAge(token: string): VerifiedToken | AppError | null;
  /** Reads an access token and accepts expired ones. Throws `token_invalid`. */
  verifyAtAnyAge(token: string): Promise<VerifiedToken>;
  /** Verifies a refresh token. Throws `token_invalid`, `token_expired`. */
  verifyRefresh(token: string): Promise<VerifiedToken>;
  /** Reads a refresh token and accepts expired ones. Throws `token_invalid`. */
  verifyRefreshAtAnyAge(token: string): Promise<VerifiedToken>;
  /**
   * Whether the Auth Service is known to have issued a token that this verifier has read: its signature was verified here,
   * or the Auth Service has accepted it at any time. Needs no I/O.
   */
  isProven(token: Pick<VerifiedToken, 'fingerprint'>): boolean;
};

export const fingerprintOf = (token: string): string => hash('sha256', token, 'base64url');

export type ReadTokenOptions = { use: TokenUse; algorithm: string; nowMs: number; refreshThresholdSeconds: number };

/**
 * Checks everything except the signature: encoding, header, claims and principal. Throws `token_invalid`. Does not reject
 * an expired token: the caller does, after the signature check.
 */
export const readToken = (token: string, options: ReadTokenOptions): VerifiedToken => {
  const { header, payload } = strictParse(token);
  checkHeader(header, [options.algorithm]);
  const { issuedAtMs, expiresAtMs } = checkClaims(payload, options.use, options.nowMs);
  // Without `iat` the lifetime counts from the first read. The threshold is at most half of it: otherwise every short-lived
  // token would be due for a refresh as soon as it is issued.
  const lifetimeMs = Math.max(0, expiresAtMs - (issuedAtMs ?? options.nowMs));
  return deepFreeze({
    principal: claimsToPrincipal(payload),
    payload,
    issuedAtMs,
    expiresAtMs,
    refreshAtMs: expiresAtMs - Math.min(options.refreshThresholdSeconds * 1000, lifetimeMs / 2),
    fingerprint: fingerprintOf(token),
  });
};

/** Throws `token_expired` from the second of `exp` on (RFC 7519, section 4.1.4). */
export const refuseExpired = (token: VerifiedToken, nowMs: number): void => {
  if (token.expiresAtMs <= nowMs) throw new AppError('token_expired');
};
