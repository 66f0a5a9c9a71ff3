import type { IncomingHttpHeaders } from 'node:http';
import { isAppError } from '../errors.ts';
import { accessTokensOf } from '../token/request-credentials.ts';
import { createTokenChooser } from '../token/token-chooser.ts';
import { isKey, minKeyBytes } from '../token/key-ring.ts';
import type { Principal } from '../token/principal.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import { createVerifier, type VerifierOptions } from '../token/verifier.ts';
import { createPublicPaths } from './public-paths.ts';
import { authenticationRequired, invalidToken, type Refusal } from './refusals.ts';

export type RequireAuthOptions = Pick<VerifierOptions, 'signingKeys' | 'algorithm' | 'maxCachedTokens' | 'now'> & {
  /** Path prefixes that need no token, such as `/public/`; compared by segments. Default none. */
  publicPrefixes?: readonly string[];
  /** Accepts keys under 32 bytes. Default false. */
  isDevelopment?: boolean;
};

/** The claims of a verified token; frozen. */
export type JwtPayload = {
  readonly exp: number;
  readonly iat?: number;
  readonly user_id?: number | string | null;
  readonly employee_id?: number | string | null;
  readonly user_type?: 'staff' | 'employee' | null;
  readonly [claim: string]: unknown;
};

/** The caller of a request. */
export type Identity = { principal: Principal; payload: JwtPayload };

/** `identity` is null on a public path. */
export type Admission = { state: 'admitted'; identity: Identity | null } | { state: 'refused'; refusal: Refusal };

/** `target`: path and query by which the request is routed. */
export type GateRequest = { target: string; headers: IncomingHttpHeaders };

const checkKeys = ({ signingKeys, isDevelopment = false }: RequireAuthOptions): void => {
  if (!Array.isArray(signingKeys) || signingKeys.length === 0) {
    throw new TypeError('signingKeys: expected an array of at least one key');
  }
  for (const [index, key] of signingKeys.entries()) {
    const name = `signingKeys: key ${index + 1}`;
    if (!isKey(key)) throw new TypeError(`${name} is missing or blank`);
    const bytes = Buffer.byteLength(key);
    if (!isDevelopment && bytes < minKeyBytes) {
      throw new TypeError(`${name} is ${bytes} bytes long; expected ${minKeyBytes} or more outside development`);
    }
  }
};

// Safe: the claim rules have validated these types.
const toIdentity = ({ principal, payload }: VerifiedToken): Identity => ({ principal, payload: payload as JwtPayload });

/**
 * Decides whether a request is admitted, and identifies its caller. Throws TypeError for an invalid option. Source: the guide's "Middleware Integration".
 */
export const createGate = (options: RequireAuthOptions) => {
  checkKeys(options);
  const { publicPrefixes = [], isDevelopment: _, ...verifying } = options;
  const isPublic = createPublicPaths(publicPrefixes);
  const tokenChooser = createTokenChooser({ verifier: createVerifier(verifying), now: verifying.now ?? Date.now });

  return async ({ target, headers }: GateRequest): Promise<Admission> => {
    if (isPublic(target)) return { state: 'admitted', identity: null };
    try {
      const tokens = accessTokensOf(headers);
      if (tokens.length === 0) return { state: 'refused', refusal: authenticationRequired };
      const { verified } = await tokenChooser.find(tokens, {});
      return { state: 'admitted', identity: toIdentity(verified) };
    } catch (error) {
      if (!isAppError(error, 'token_invalid', 'token_expired')) throw error;
      return { state: 'refused', refusal: invalidToken };
    }
  };
};
