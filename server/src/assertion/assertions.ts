import { randomUUID } from 'node:crypto';
import { toPersonText } from '@auth-bff/shared';
import { type JWK, SignJWT } from 'jose';
import type { Config } from '../config.ts';
import type { Principal } from '../token/principal.ts';
import { type AssertionKeys, loadAssertionKeys } from './assertion-keys.ts';

/** Seconds that an assertion is valid. */
const lifetimeSeconds = 60;

export type AssertionsOptions = {
  config: Pick<Config, 'assertionKey' | 'previousAssertionKey' | 'assertionIssuer' | 'sealingSecret'>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

export type Assertions = {
  /** The public keys that verify assertions. */
  jwks: () => Promise<{ keys: JWK[] }>;
  /** A JWT that tells one backend who the caller is, for 60 seconds. Unknown systems and roles become empty lists. */
  issue: (principal: Principal, audience: string) => Promise<string>;
};

/**
 * Issues assertions: backends verify them with a public key, and so need no key that can sign people in. The keys, which the
 * configuration has checked, are loaded when they are first needed: many installations have no such backend.
 */
export const createAssertions = ({ config, now }: AssertionsOptions): Assertions => {
  let loading: Promise<AssertionKeys> | null = null;
  const load = (): Promise<AssertionKeys> => (loading ??= loadAssertionKeys(config));

  return {
    jwks: async () => (await load()).jwks,
    async issue(principal, audience) {
      const { privateKey, algorithm, keyId } = await load();
      const { email, fullName, systems, roles } = principal;
      const issuedAt = Math.floor(now() / 1000);
      return new SignJWT({ email, name: fullName, systems: systems ?? [], roles: roles ?? [] })
        .setProtectedHeader({ alg: algorithm, kid: keyId, typ: 'JWT' })
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
