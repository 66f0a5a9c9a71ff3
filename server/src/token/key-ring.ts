import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';

const hashOfAlgorithm = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const;

/** The least length of a key outside development. RFC 7518, section 3.2: HS256 keys have 256 bits or more. */
export const minKeyBytes = 32;

export type Algorithm = keyof typeof hashOfAlgorithm;

export type KeyRingOptions = {
  /** The current key first, then older ones that are still accepted while a key is being changed. */
  signingKeys: readonly string[];
  algorithm: Algorithm;
};

/** Whether it can be a key. Callers may have no types, or hand process.env on as it is: of null the encoder would make the key "null". */
export const isKey = (key: unknown): key is string => typeof key === 'string' && key.trim() !== '';

/** The keys that a token may be signed with. One algorithm, never one that the token chooses. */
export const createKeyRing = ({ signingKeys, algorithm }: KeyRingOptions) => {
  if (!Array.isArray(signingKeys) || signingKeys.length === 0 || !signingKeys.every(isKey)) {
    throw new TypeError('A key ring needs a list of at least one signing key, each a text that is not blank.');
  }
  if (!Object.hasOwn(hashOfAlgorithm, algorithm)) throw new TypeError('A key ring is for HS256, HS384 or HS512.');
  const hash = hashOfAlgorithm[algorithm];
  const keys = signingKeys.map((key) => createSecretKey(key, 'utf8'));

  /**
   * Whether one of the keys made the token's signature, over its first two segments as they stand (RFC 7515, section
   * 5.2). How the segments may be spelt is for strict-parse.ts to say.
   */
  const isSigned = (token: string): boolean => {
    const at = token.lastIndexOf('.');
    const signed = token.slice(0, Math.max(0, at));
    const signature = Buffer.from(token.slice(at + 1), 'base64url');
    return keys.some((key) => {
      const expected = createHmac(hash, key).update(signed).digest();
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    });
  };

  return {
    algorithm,
    isSigned,
    /** Passes when one of the keys made the token's signature. Throws `token_invalid`. */
    verifySignature(token: string): void {
      if (isSigned(token)) return;
      throw new AppError('token_invalid', { message: 'The token is not valid: its signature is not by a known key.' });
    },
  };
};

export type KeyRing = ReturnType<typeof createKeyRing>;
