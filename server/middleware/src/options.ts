import { type Algorithm, isKey, minKeyBytes } from '../../src/token/key-ring.ts';
import type { Principal } from '../../src/token/principal.ts';
import type { ResolveRoles } from './membership.ts';
import type { RefusalReason } from './refusals.ts';

/** A refused request. `message` says why in plain words, and contains no token. `cause` is the error of a failed lookup. */
export type Refused<Request> = { reason: RefusalReason; message: string; request: Request; cause?: unknown };

/** For backends that hold the Auth Service's signing key. With that key, one can also sign in as any person: prefer `jwks`. */
export type SigningKeyOptions = {
  /** The current key first, then older keys that are still accepted during a key rotation. At least 32 bytes each. */
  signingKeys: readonly string[];
  /** Default `HS256`. */
  algorithm?: Algorithm;
  /** Accepts keys under 32 bytes. Default false. */
  isDevelopment?: boolean;
  jwks?: never;
  issuer?: never;
  audience?: never;
  jwksTimeoutMs?: never;
};

/** For backends behind the BFF's `/bff/verify`: verifies the BFF's assertion, and needs no secret. */
export type JwksOptions = {
  /** The address of the BFF's public keys, such as `https://bff.example.org/bff/jwks.json`. */
  jwks: string | URL;
  /** The `iss` of assertions. Default `auth-bff`. */
  issuer?: string;
  /** The `aud` of assertions: the name by which the proxy asks for them. Default: assertions for every backend are accepted. */
  audience?: string;
  /** How long loading the keys may take. Default 5,000. */
  jwksTimeoutMs?: number;
  signingKeys?: never;
  algorithm?: never;
  isDevelopment?: never;
};

export type CommonOptions<Request> = {
  /** Path prefixes that need no token, such as `/public/`; compared by segments. Default none. */
  publicPrefixes?: readonly string[];
  /** Looks up roles if the token names none with their system. `bffRoles` is ready-made. Default: such callers have no role. */
  resolveRoles?: ResolveRoles;
  /** Reports why a request is refused. Its errors are ignored. */
  onRefused?: (refused: Refused<Request>) => unknown;
  /** The most verified tokens cached. Default 10,000. */
  maxCachedTokens?: number;
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?: () => number;
};

/** Exactly one of `signingKeys` and `jwks`. */
export type AuthOptions<Request> = (SigningKeyOptions | JwksOptions) & CommonOptions<Request>;

/** The claims of a verified token or assertion; frozen. */
export type JwtPayload = {
  readonly exp: number;
  readonly iat?: number;
  readonly user_id?: number | string | null;
  readonly employee_id?: number | string | null;
  readonly user_type?: 'staff' | 'employee' | null;
  readonly [claim: string]: unknown;
};

/** The caller of a request, and the token or assertion that proves it. */
export type Identity = { principal: Principal; payload: JwtPayload; token: string };

const keyFaults = (signingKeys: unknown, isDevelopment: boolean): string | null => {
  if (!Array.isArray(signingKeys) || signingKeys.length === 0) {
    return 'signingKeys: expected an array of at least one key';
  }
  for (const [index, key] of signingKeys.entries()) {
    const name = `signingKeys: key ${index + 1}`;
    if (!isKey(key)) return `${name} is missing or blank`;
    const bytes = Buffer.byteLength(key);
    if (!isDevelopment && bytes < minKeyBytes) {
      return `${name} is ${bytes} bytes long; expected ${minKeyBytes} or more outside development`;
    }
  }
  return null;
};

const jwksFault = (jwks: unknown): string | null => {
  const url = URL.canParse(String(jwks)) ? new URL(String(jwks)) : null;
  const isAddress = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  return isAddress
    ? null
    : 'jwks: expected the http(s) address of the BFF’s keys, such as https://bff.example.org/bff/jwks.json';
};

const isTextOrAbsent = (value: unknown): boolean => value === undefined || (typeof value === 'string' && value !== '');

type Loose = Partial<Record<keyof SigningKeyOptions | keyof JwksOptions | keyof CommonOptions<unknown>, unknown>>;

const otherFaults = (options: Loose): string | null => {
  for (const name of ['resolveRoles', 'onRefused', 'now'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') return `${name}: expected a function`;
  }
  for (const name of ['maxCachedTokens', 'jwksTimeoutMs'] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && Number(value) > 0)) {
      return `${name}: expected a whole number of 1 or more`;
    }
  }
  return null;
};

/** Options of the other kind would have no effect: an `audience` that nobody checks. */
const misplaced = (options: Loose, names: readonly (keyof Loose)[], kind: string): string | null => {
  const name = names.find((one) => options[one] !== undefined);
  return name === undefined ? null : `${name}: applies only to ${kind}`;
};

const faultOf = (options: Loose): string | null => {
  const { signingKeys, jwks, isDevelopment, issuer, audience } = options;
  if ((signingKeys === undefined) === (jwks === undefined)) {
    const given = jwks === undefined ? 'neither is given' : 'both are given';
    return `Expected exactly one of signingKeys (the Auth Service's key) and jwks (the address of the BFF's public keys): ${given}`;
  }
  if (jwks === undefined) {
    return (
      keyFaults(signingKeys, isDevelopment === true) ??
      misplaced(options, ['issuer', 'audience', 'jwksTimeoutMs'], 'jwks') ??
      otherFaults(options)
    );
  }
  if (!isTextOrAbsent(issuer)) return 'issuer: expected the iss of assertions, such as auth-bff';
  if (!isTextOrAbsent(audience)) return 'audience: expected the name of this backend, such as tickets';
  return jwksFault(jwks) ?? misplaced(options, ['algorithm', 'isDevelopment'], 'signingKeys') ?? otherFaults(options);
};

/** Throws TypeError for an invalid option. Callers may be untyped or pass process.env unchecked. Never quotes a key. */
export const checkOptions = (options: Loose): void => {
  const fault = typeof options === 'object' && options !== null ? faultOf(options) : 'Expected an object of options';
  if (fault !== null) throw new TypeError(fault);
};
