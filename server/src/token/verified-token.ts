import { hash } from 'node:crypto';
import type { RequestMeta } from '../auth-service/transport.ts';
import { AppError } from '../errors.ts';
import { checkClaims, type TokenUse } from './claim-rules.ts';
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

/** Cached tokens are shared by all calls, and therefore must not change. */
const freeze = <Value>(value: Value): Value => {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
};

/** Parameters that change the meaning of the token or select a key. The BFF supports none of them, and therefore rejects all. */
const refusedParameters = ['b64', 'crit', 'cty', 'enc', 'jku', 'jwk', 'x5c', 'x5t', 'x5t#S256', 'x5u', 'zip'];

/** A plain name. The BFF does not use it; anything that could be a path or a query is rejected. */
const plainKeyId = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

const refuse = (what: string) => new AppError('token_invalid', { message: `The token is not valid: ${what}.` });

/** Throws `token_invalid` unless the header is that of a JWT signed with `algorithm`. Source: RFC 8725, sections 3.1 and 3.10. */
const checkHeader = (header: JsonObject, algorithm: string): void => {
  if (header.alg !== algorithm) throw refuse(`its algorithm is not ${algorithm}`);
  if (header.typ !== undefined && (typeof header.typ !== 'string' || header.typ.toUpperCase() !== 'JWT')) {
    throw refuse('its type is not JWT');
  }
  if (header.kid !== undefined && (typeof header.kid !== 'string' || !plainKeyId.test(header.kid))) {
    throw refuse('its key id is not a plain name');
  }
  const refused = refusedParameters.find((name) => Object.hasOwn(header, name));
  if (refused !== undefined) throw refuse(`its header has ${refused}`);
};

export type ReadTokenOptions = { use: TokenUse; algorithm: string; nowMs: number; refreshThresholdSeconds: number };

/**
 * Checks everything except the signature: encoding, header, claims and principal. Throws `token_invalid`. Does not reject
 * an expired token: the caller does, after the signature check.
 */
export const readToken = (token: string, options: ReadTokenOptions): VerifiedToken => {
  const { header, payload } = strictParse(token);
  checkHeader(header, options.algorithm);
  const { issuedAtMs, expiresAtMs } = checkClaims(payload, options.use, options.nowMs);
  // Without `iat` the lifetime counts from the first read. The threshold is at most half of it: otherwise every short-lived
  // token would be due for a refresh as soon as it is issued.
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

/** Throws `token_expired` from the second of `exp` on (RFC 7519, section 4.1.4). */
export const refuseExpired = (token: VerifiedToken, nowMs: number): void => {
  if (token.expiresAtMs <= nowMs) throw new AppError('token_expired');
};
