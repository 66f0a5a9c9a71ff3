import { hash } from 'node:crypto';
import type { RequestMeta } from '../auth-service/transport.ts';
import { AppError } from '../errors.ts';
import { checkClaims, type TokenUse } from './claim-rules.ts';
import { checkHeader } from './header-rules.ts';
import { claimsToPrincipal, type Principal } from './principal.ts';
import { type JsonObject, strictParse } from './strict-parse.ts';

/** What a token says, once it may be believed: frozen, all the way down. Times are milliseconds since the epoch. */
export type VerifiedToken = {
  principal: Principal;
  payload: JsonObject;
  /** Null: the token does not say. */
  issuedAtMs: number | null;
  expiresAtMs: number;
  /** When the session should be refreshed. */
  refreshAtMs: number;
  /** SHA-256 of the whole token: what it is known by in caches and lists. */
  fingerprint: string;
};

export type Verifier = {
  /** An access token, as a caller presents it. Throws `token_invalid`, `token_expired`; in remote mode an outage too. */
  verify(token: string, options?: RequestMeta): Promise<VerifiedToken>;
  /** Whose access token it is, or why it does not hold, as far as that can be told without asking anybody. Null: it cannot. */
  verifyHere(token: string): VerifiedToken | AppError | null;
  /** As `verifyHere`, but `exp` may have passed. */
  verifyHereAtAnyAge(token: string): VerifiedToken | AppError | null;
  /** Whose access token it is or was: `exp` may have passed. Throws `token_invalid`. */
  verifyAtAnyAge(token: string): Promise<VerifiedToken>;
  /** A refresh token. Throws `token_invalid`, `token_expired`. */
  verifyRefresh(token: string): Promise<VerifiedToken>;
  /** Whose refresh token it is or was: `exp` may have passed. Throws `token_invalid`. */
  verifyRefreshAtAnyAge(token: string): Promise<VerifiedToken>;
  /**
   * Whether the Auth Service is known to have issued a token that this verifier has read: its signature was verified
   * here, or the Auth Service has accepted it, however long ago. Needs no I/O.
   */
  isProven(token: Pick<VerifiedToken, 'fingerprint'>): boolean;
};

export const fingerprintOf = (token: string): string => hash('sha256', token, 'base64url');

/** Nobody changes what a token says: one answer may serve every call that the token comes with. */
const freeze = <Value>(value: Value): Value => {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
};

export type ReadTokenOptions = { use: TokenUse; algorithm: string; nowMs: number; refreshThresholdSeconds: number };

/**
 * Everything about a token but its signature: spelling, header, claims and whom it speaks for.
 * Throws `token_invalid`; an `exp` that has passed is for the caller to judge, after the signature.
 */
export const readToken = (token: string, options: ReadTokenOptions): VerifiedToken => {
  const { header, payload } = strictParse(token);
  checkHeader(header, options.algorithm);
  const { issuedAtMs, expiresAtMs } = checkClaims(payload, options.use, options.nowMs);
  // Without iat the lifetime is what remains at first sight. Half of it bounds the threshold, or a
  // short-lived token would be due for its refresh on the day it is born, and every one after it.
  const lifetimeMs = Math.max(0, expiresAtMs - (issuedAtMs ?? options.nowMs));
  return freeze({
    principal: claimsToPrincipal(payload),
    payload,
    issuedAtMs,
    expiresAtMs,
    refreshAtMs: expiresAtMs - Math.min(options.refreshThresholdSeconds * 1000, lifetimeMs / 2),
    fingerprint: fingerprintOf(token),
  });
};

/** Throws `token_expired` from the very second that `exp` names (RFC 7519, section 4.1.4). */
export const refuseExpired = (token: VerifiedToken, nowMs: number): void => {
  if (token.expiresAtMs <= nowMs) throw new AppError('token_expired');
};
