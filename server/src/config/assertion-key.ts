import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { Parsed } from './parse.ts';

const minRsaBits = 2_048;
const kinds = 'Ed25519, P-256, or RSA of 2,048 bits or more';

/** A PEM in one line has `\n` in place of its line breaks: many secret stores keep only one line. */
const toKeyInput = (text: string) =>
  text.startsWith('{')
    ? { key: JSON.parse(text) as JsonWebKey, format: 'jwk' as const }
    : { key: text.replaceAll(String.raw`\n`, '\n'), format: 'pem' as const };

const isOfKnownKind = ({ asymmetricKeyType: kind, asymmetricKeyDetails: details }: KeyObject): boolean =>
  kind === 'ed25519' ||
  (kind === 'ec' && details?.namedCurve === 'prime256v1') ||
  (kind === 'rsa' && (details?.modulusLength ?? 0) >= minRsaBits);

const parse = (text: string, read: (text: string) => KeyObject, expected: string): Parsed<KeyObject> => {
  try {
    const key = read(text);
    return isOfKnownKind(key) ? { value: key } : { fault: `is a key of another kind; ${expected}` };
  } catch {
    // The error of the library may quote the key.
    return { fault: expected };
  }
};

/** ASSERTION_KEY: a private key as PKCS#8 PEM or JWK. */
export const parseAssertionKey = (text: string): Parsed<KeyObject> =>
  parse(
    text,
    (key) => createPrivateKey(toKeyInput(key)),
    `expected an unencrypted private key (${kinds}) as PKCS#8 PEM or JWK`,
  );

/** ASSERTION_KEY_PREVIOUS: the private key that was used before, or its public key. Only its public part is kept. */
export const parsePreviousAssertionKey = (text: string): Parsed<KeyObject> =>
  parse(
    text,
    (key) => createPublicKey(toKeyInput(key)),
    `expected the earlier ASSERTION_KEY, or its public key (${kinds}), as PEM or JWK`,
  );
