import { createHmac, randomUUID } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { employeeClaims, minimalClaims, staffClaims } from './claims.ts';
import type { Dialect } from './options.ts';
import type { PeopleDirectory } from './people/people-directory.ts';
import type { Subject } from './people/people.ts';

export type Claims = Readonly<Record<string, unknown>>;
export type TokenPair = { access: string; refresh: string };
export type Verified = { ok: true; claims: Claims } | { ok: false; expired: boolean };

export type TokensOptions = {
  dialect: Dialect;
  people: PeopleDirectory;
  signingKey: string;
  now: () => number;
  accessLifetimeSeconds: number;
  refreshLifetimeSeconds: number;
  claims: 'dialect' | 'least';
};

const digits = (value: unknown): number | null => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : null;
};

/** The `user_id` claim. The deployed service treats it as a staff id, even in an employee's token. */
export const userIdOf = (claims: Claims): number | null => digits(claims.user_id);

/** The owner of a token: an employee if `user_type` says so, or if only `employee_id` is present; otherwise staff. */
export const subjectOf = (claims: Claims): Subject | null => {
  const isEmployee =
    claims.user_type === 'employee' || (claims.user_type === undefined && claims.employee_id !== undefined);
  const id = isEmployee ? (digits(claims.employee_id) ?? digits(claims.user_id)) : digits(claims.user_id);
  return id === null ? null : { type: isEmployee ? 'employee' : 'staff', id };
};

// The base64url signature has spare bits, so one token has several spellings. The signed part has only one.
const signedPart = (token: string) => token.slice(0, token.lastIndexOf('.'));

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The header of every token that this service signs, encoded, with the dot after it. */
const ownHeader = `${encode({ alg: 'HS256', typ: 'JWT' })}.`;

const parseObject = (text: string): Claims | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : null;
  } catch {
    return null;
  }
};

/** Signs and verifies the HS256 tokens of one dialect. */
export const createTokens = (options: TokensOptions) => {
  /** The first one signs, all of them verify. */
  let keys: readonly string[] = [options.signingKey];
  const blacklist = new Set<string>();

  const withSignature = (signed: string, key = keys[0] ?? ''): string =>
    `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;

  // JSON.stringify omits undefined, so an override of undefined deletes a claim.
  const sign = (claims: Claims): string => withSignature(ownHeader + encode(claims));

  /**
   * The claims of a token in the exact form that this service signs, with numeric times. Null for all other tokens,
   * which jose verifies: WebCrypto runs each signature in another thread, which costs ten times as much CPU.
   */
  const ownClaimsOf = (token: string): (Claims & { exp: number }) | null => {
    const signed = signedPart(token);
    if (!token.startsWith(ownHeader) || !keys.some((key) => withSignature(signed, key) === token)) return null;
    const payload = signed.slice(ownHeader.length);
    const text = Buffer.from(payload, 'base64url').toString();
    // Rejects bytes that are not UTF-8.
    if (Buffer.from(text).toString('base64url') !== payload) return null;
    const claims = parseObject(text);
    if (claims === null) return null;
    const { exp, iat, nbf } = claims;
    return typeof exp === 'number' && typeof iat === 'number' && nbf === undefined ? { ...claims, exp } : null;
  };

  const times = (lifetimeSeconds: number) => {
    const iat = Math.floor(options.now() / 1000);
    return { exp: iat + lifetimeSeconds, iat };
  };

  const claimsOf = (subject: Subject, type: 'access' | 'refresh'): Claims => {
    const lifetime = type === 'access' ? options.accessLifetimeSeconds : options.refreshLifetimeSeconds;
    const registered = { token_type: type, ...times(lifetime), jti: randomUUID().replaceAll('-', '') };
    if (options.claims === 'least') return minimalClaims(subject, registered);
    const { dialect, people } = options;
    const { type: personType, id } = subject;
    return personType === 'staff'
      ? staffClaims({ dialect, id, person: people.staff.find(id), registered })
      : employeeClaims({ dialect, id, person: people.employees.find(id), registered });
  };

  const access = (subject: Subject, overrides: Claims = {}) => sign({ ...claimsOf(subject, 'access'), ...overrides });
  const refresh = (subject: Subject) => sign(claimsOf(subject, 'refresh'));

  return {
    accessLifetimeSeconds: options.accessLifetimeSeconds,
    refreshLifetimeSeconds: options.refreshLifetimeSeconds,
    access,
    refresh,
    pair: async (subject: Subject, overrides: Claims = {}): Promise<TokenPair> => ({
      access: access(subject, overrides),
      refresh: refresh(subject),
    }),
    /** Checks the signature and `exp`. The caller checks the token type. */
    verify: async (token: string): Promise<Verified> => {
      const own = ownClaimsOf(token);
      if (own !== null) {
        return own.exp > Math.floor(options.now() / 1000) ? { ok: true, claims: own } : { ok: false, expired: true };
      }
      let expired = false;
      for (const key of keys) {
        try {
          const { payload } = await jwtVerify(token, new TextEncoder().encode(key), {
            algorithms: ['HS256'],
            requiredClaims: ['exp'],
            currentDate: new Date(options.now()),
          });
          return { ok: true, claims: payload };
        } catch (error) {
          expired ||= error instanceof errors.JWTExpired;
        }
      }
      return { ok: false, expired };
    },
    changeKeys: (next: readonly string[]): void => {
      keys = next;
    },
    isBlacklisted: (token: string): boolean => blacklist.has(signedPart(token)),
    blacklist: (token: string): void => {
      blacklist.add(signedPart(token));
    },
  };
};

export type Tokens = ReturnType<typeof createTokens>;
