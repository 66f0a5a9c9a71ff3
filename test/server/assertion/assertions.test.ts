import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { describe, expect, it } from 'vitest';
import { createAssertions } from '../../../server/src/assertion/assertions.ts';
import { type Config, ConfigError, loadConfig } from '../../../server/src/config.ts';

const required = {
  DJANGO_JWT_SIGNING_KEY: 'signing-key-of-32-bytes-exactly!',
  AUTH_SERVICE_URL: 'http://auth-service:8000',
  AUTH_API_KEY: 'internal-api-key',
};
const load = (env: Record<string, string> = {}): Config => loadConfig({ ...required, ...env });

const refusalOf = (env: Record<string, string>): ConfigError => {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('The configuration was accepted.');
};

const pem = (key: KeyObject) =>
  key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' }).toString();
const jwk = (key: KeyObject) => JSON.stringify(key.export({ format: 'jwk' }));
const ed25519 = generateKeyPairSync('ed25519');
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

const now = Date.UTC(2026, 2, 14);
const ana = {
  type: 'staff',
  id: 123,
  email: 'ana@example.org',
  fullName: 'Ana Cruz',
  systems: ['TTS'],
  roles: [{ system: 'TTS', role: 'Agent' }],
} as const;

const assertionsOf = (env: Record<string, string> = {}) => createAssertions({ config: load(env), now: () => now });

/** As a backend verifies it, which knows nothing but the JWKS. */
const verify = async (assertion: string, jwks: JSONWebKeySet) =>
  (
    await jwtVerify(assertion, createLocalJWKSet(jwks), {
      issuer: 'auth-bff',
      audience: 'tickets',
      currentDate: new Date(now),
    })
  ).protectedHeader;

describe('the assertions', () => {
  it.each([
    ['a key that derives from the sealing key', {}, 'EdDSA'],
    ['an Ed25519 key as PEM', { ASSERTION_KEY: pem(ed25519.privateKey) }, 'EdDSA'],
    [
      'an Ed25519 key as PEM in one line',
      { ASSERTION_KEY: pem(ed25519.privateKey).replaceAll('\n', String.raw`\n`) },
      'EdDSA',
    ],
    ['an Ed25519 key as JWK', { ASSERTION_KEY: jwk(ed25519.privateKey) }, 'EdDSA'],
    ['a P-256 key', { ASSERTION_KEY: pem(p256.privateKey) }, 'ES256'],
    ['an RSA key', { ASSERTION_KEY: jwk(rsa.privateKey) }, 'RS256'],
  ])('are verified by the JWKS alone if %s signs them', async (_name, env, alg) => {
    const { issue, ...assertions } = assertionsOf(env);
    const jwks = await assertions.jwks();
    expect(await verify(await issue(ana, 'tickets'), jwks)).toMatchObject({ alg, kid: jwks.keys[0]?.kid });
    // No part of a private key is published.
    expect(
      jwks.keys
        .flatMap((key) => Object.keys(key))
        .filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name)),
    ).toEqual([]);
  });

  it('are verified by every replica with the same sealing key, and by no other', async () => {
    const [one, same, other] = [
      assertionsOf({ SEALING_KEY: 'sealing-key-of-at-least-32-bytes-01' }),
      assertionsOf({
        SEALING_KEY: 'sealing-key-of-at-least-32-bytes-01',
        DJANGO_JWT_SIGNING_KEY: 'another-signing-key-of-32-bytes!',
      }),
      assertionsOf({ SEALING_KEY: 'sealing-key-of-at-least-32-bytes-02' }),
    ];
    const assertion = await one.issue(ana, 'tickets');
    expect(await verify(assertion, await same.jwks())).toMatchObject({ alg: 'EdDSA' });
    await expect(verify(assertion, await other.jwks())).rejects.toThrow('no applicable key found');
  });

  it.each([
    ['the private key', pem(ed25519.privateKey)],
    ['the public key', pem(ed25519.publicKey)],
    ['the public key as JWK', jwk(ed25519.publicKey)],
  ])('of the previous key are still verified if ASSERTION_KEY_PREVIOUS is %s', async (_name, previous) => {
    const before = assertionsOf({ ASSERTION_KEY: pem(ed25519.privateKey) });
    const after = assertionsOf({ ASSERTION_KEY: pem(p256.privateKey), ASSERTION_KEY_PREVIOUS: previous });
    expect((await after.jwks()).keys.map(({ alg }) => alg)).toEqual(['ES256', 'EdDSA']);
    expect(await verify(await before.issue(ana, 'tickets'), await after.jwks())).toMatchObject({ alg: 'EdDSA' });
    expect(await verify(await after.issue(ana, 'tickets'), await after.jwks())).toMatchObject({ alg: 'ES256' });
  });

  it('name each key once if the previous key is the current one', async () => {
    const key = pem(ed25519.privateKey);
    const { jwks } = assertionsOf({ ASSERTION_KEY: key, ASSERTION_KEY_PREVIOUS: key });
    expect((await jwks()).keys).toHaveLength(1);
  });

  it.each([
    ['ASSERTION_KEY', 'no key'],
    ['ASSERTION_KEY', '{"kty":"OKP"}'],
    ['ASSERTION_KEY', '{'],
    ['ASSERTION_KEY', pem(ed25519.publicKey)],
    ['ASSERTION_KEY', pem(generateKeyPairSync('x25519').privateKey)],
    ['ASSERTION_KEY', pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)],
    ['ASSERTION_KEY', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)],
    [
      'ASSERTION_KEY',
      ed25519.privateKey
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
        .toString(),
    ],
    ['ASSERTION_KEY_PREVIOUS', 'no key'],
    ['ASSERTION_ISSUER', 'two words'],
  ])('do not start with an unusable %s, and the fault does not quote it', (variable, value) => {
    const { faults, message } = refusalOf({ [variable]: value });
    expect(faults).toEqual([{ variable, fault: expect.stringContaining('expected') }]);
    expect(message).not.toContain(value.slice(0, 30).trim());
  });
});
