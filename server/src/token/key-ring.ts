import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';

const hashOfAlgorithm = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const;

/** The minimum length of a key outside development. RFC 7518, section 3.2: HS256 keys have 256 bits or more. */
export const minKeyBytes = 32;

export type Algorithm = keyof typeof hashOfAlgorithm;

export type KeyRingOptions = {
  /** The current key first, then older keys that are still accepted during a key rotation. */
  signingKeys: readonly string[];
  algorithm: Algorithm;
};

/** Whether the value can be a key. Callers may be untyped or pass the environment unchecked: the encoder would turn null into the key "null". */
export const isKey = (key: unknown): key is string => typeof key === 'string' && key.trim() !== '';

/** The accepted signing keys, for one algorithm. The token does not choose the algorithm. */
export const createKeyRing = ({ signingKeys, algorithm }: KeyRingOptions) => {
  if (!Array.isArray(signingKeys) || signingKeys.length === 0 || !signingKeys.every(isKey)) {
    throw new TypeError('A key ring needs a list of at least one signing key, each a text that is not blank.');
  }
  if (!Object.hasOwn(hashOfAlgorithm, algorithm)) throw new TypeError('A key ring is for HS256, HS384 or HS512.');
  const hash = hashOfAlgorithm[algorithm];
  const keys = signingKeys.map((key) => createSecretKey(key, 'utf8'));

  /**
   * Whether one of the keys made the signature, over the unchanged first two segments (RFC 7515, section 5.2). The encoding
   * of the segments is checked by strictParse.
   */
  const isSigned = (token: string): boolean => {
    const dot = token.lastIndexOf('.');
    const signed = token.slice(0, Math.max(0, dot));
    const signature = Buffer.from(token.slice(dot + 1), 'base64url');
    return keys.some((key) => {
      const expected = createHmac(hash, key).update(signed).digest();
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    });
  };

  return {
    algorithm,
    isSigned,
    /** Throws `token_invalid` if none of the keys made the signature. */
    verifySignature(token: string): void {
      if (isSigned(token)) return;
      throw new AppError('token_invalid', { message: 'The token is not valid: its signature is not by a known key.' });
    },
  };
};
