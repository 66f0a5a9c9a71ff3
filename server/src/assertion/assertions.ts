import { randomUUID } from 'node:crypto';
import { toPersonText } from '@auth-bff/shared';
import { type JWK, SignJWT } from 'jose';
import type { Config } from '../config.ts';
import type { Principal } from '../token/principal.ts';
import { loadAssertionKeys } from './assertion-keys.ts';

/** Seconds that an assertion is valid. */
const lifetimeSeconds = 60;

export type AssertionsOptions = {
  config: Pick<Config, 'assertionKey' | 'previousAssertionKey' | 'assertionIssuer' | 'sealingSecret'>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

export type Assertions = {
  /** The public keys that verify assertions. */
  jwks: { keys: JWK[] };
  /** A JWT that tells one backend who the caller is, for 60 seconds. Unknown systems and roles become empty lists. */
  issue: (principal: Principal, audience: string) => Promise<string>;
};

/** Issues assertions: backends verify them with a public key, and so need no key that can sign people in. */
export const createAssertions = async ({ config, now }: AssertionsOptions): Promise<Assertions> => {
  const { privateKey, algorithm, keyId, jwks } = await loadAssertionKeys(config);
  const header = { alg: algorithm, kid: keyId, typ: 'JWT' };

  return {
    jwks,
    issue(principal, audience) {
      const { email, fullName, systems, roles } = principal;
      const issuedAt = Math.floor(now() / 1000);
      return new SignJWT({ email, name: fullName, systems: systems ?? [], roles: roles ?? [] })
        .setProtectedHeader(header)
        .setIssuer(config.assertionIssuer)
        .setAudience(audience)
        .setSubject(toPersonText(principal))
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeSeconds)
        .setJti(randomUUID())
        .sign(privateKey);
    },
  };
};
