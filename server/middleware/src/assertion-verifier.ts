import { AppError } from '../../src/errors.ts';
import { checkClaims } from '../../src/token/claim-rules.ts';
import { deepFreeze } from '../../src/token/deep-freeze.ts';
import { checkHeader } from '../../src/token/header-rules.ts';
import { claimsToMembership, type Principal, type Subject, toText } from '../../src/token/principal.ts';
import { type JsonObject, strictParse } from '../../src/token/strict-parse.ts';
import { createVerifiedCache } from '../../src/token/verified-cache.ts';
import type { AssertionKeys } from './assertion-keys.ts';

/** Algorithms of public keys only: with a shared secret, any backend could make assertions for the others. */
const algorithms = ['EdDSA', 'ES256', 'RS256'];

export type VerifiedAssertion = { principal: Principal; payload: JsonObject; expiresAtMs: number };

export type AssertionVerifierOptions = {
  keys: AssertionKeys;
  issuer: string;
  /** Undefined: assertions for every backend are accepted. */
  audience: string | undefined;
  maxCachedTokens: number;
  now: () => number;
};

const refuse = (what: string) => new AppError('token_invalid', { message: `The assertion is not valid: ${what}.` });

const toSubject = (sub: unknown): Subject => {
  const [, type, digits] = (typeof sub === 'string' && /^(staff|employee):([1-9]\d{0,15})$/.exec(sub)) || [];
  const id = Number(digits);
  if (type === undefined || !Number.isSafeInteger(id)) throw refuse('its sub is not one such as staff:123');
  return { type: type === 'staff' ? 'staff' : 'employee', id };
};

/** Verifies assertions of the BFF. Throws `token_invalid`, `token_expired`, and RefusalError if the keys cannot be loaded. */
export const createAssertionVerifier = (options: AssertionVerifierOptions) => {
  const { keys, issuer, audience, maxCachedTokens, now } = options;
  const cache = createVerifiedCache<VerifiedAssertion>({ maxTokens: maxCachedTokens });

  /** Everything except the signature and `exp`. */
  const read = (header: JsonObject, payload: JsonObject): VerifiedAssertion => {
    checkHeader(header, algorithms);
    if (header.kid === undefined) throw refuse('it names no key (kid)');
    const { issuedAtMs, expiresAtMs } = checkClaims(payload, 'access', now());
    if (issuedAtMs === null) throw refuse('its iat is missing');
    if (payload.iss !== issuer) throw refuse(`its iss is not ${issuer}`);
    // An assertion is for one backend, so a list is refused.
    if (typeof payload.aud !== 'string' || payload.aud === '') throw refuse('its aud is not a name');
    if (audience !== undefined && payload.aud !== audience) throw refuse(`its aud is not ${audience}`);
    const principal = {
      ...toSubject(payload.sub),
      email: toText(payload.email),
      fullName: toText(payload.name),
      ...claimsToMembership(payload),
    };
    return deepFreeze({ principal, payload, expiresAtMs });
  };

  const verifyNew = async (text: string): Promise<VerifiedAssertion> => {
    const { header, payload } = strictParse(text);
    const assertion = read(header, payload);
    if (!(await keys.isSigned(text, { alg: String(header.alg), kid: String(header.kid) }))) {
      throw refuse('its signature is not by a key of the BFF');
    }
    return assertion;
  };

  return {
    async verify(text: string): Promise<VerifiedAssertion> {
      const known = cache.get(text);
      const assertion = known ?? (await verifyNew(text));
      if (assertion.expiresAtMs <= now()) {
        cache.delete(text);
        throw new AppError('token_expired', { message: 'The assertion has expired.' });
      }
      if (known === undefined) cache.set(text, assertion);
      return assertion;
    },
  };
};
