import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import type { Config } from '../config.ts';

/** The DER of an Ed25519 private key up to its 32 bytes. Source: RFC 8410, section 7. */
const ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** By HKDF, so that all replicas with one sealing key sign with one key. */
const deriveKey = (sealingSecret: string): KeyObject => {
  const seed = Buffer.from(hkdfSync('sha256', sealingSecret, '', 'auth-bff assertion key', 32));
  return createPrivateKey({ key: Buffer.concat([ed25519Prefix, seed]), format: 'der', type: 'pkcs8' });
};

/** Debian's PyJWT 2.6 does not know the newer name `Ed25519`. */
const algorithms = new Map([
  ['ed25519', 'EdDSA'],
  ['ec', 'ES256'],
  ['rsa', 'RS256'],
]);

const algorithmOf = ({ asymmetricKeyType }: KeyObject): string => {
  const algorithm = algorithms.get(asymmetricKeyType ?? '');
  if (algorithm === undefined) throw new TypeError(`No algorithm for a key of the type ${asymmetricKeyType}.`);
  return algorithm;
};

/** The public key with its algorithm and its thumbprint as id (RFC 7638). */
const toPublicJwk = async (key: KeyObject): Promise<JWK & { kid: string; alg: string }> => {
  const jwk = await exportJWK(key);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: algorithmOf(key), use: 'sig' };
};

export type AssertionKeys = {
  privateKey: KeyObject;
  algorithm: string;
  /** The id of the key in the JWKS. */
  keyId: string;
  /** The public keys: the current one, then the previous one. */
  jwks: { keys: JWK[] };
};

/** The key that signs assertions, and the public keys that verify them. */
export const loadAssertionKeys = async ({
  assertionKey,
  previousAssertionKey,
  sealingSecret,
}: Pick<Config, 'assertionKey' | 'previousAssertionKey' | 'sealingSecret'>): Promise<AssertionKeys> => {
  const privateKey = assertionKey ?? deriveKey(sealingSecret);
  const current = await toPublicJwk(createPublicKey(privateKey));
  const previous = previousAssertionKey === null ? null : await toPublicJwk(previousAssertionKey);
  const keys = previous === null || previous.kid === current.kid ? [current] : [current, previous];
  return { privateKey, algorithm: current.alg, keyId: current.kid, jwks: { keys } };
};
