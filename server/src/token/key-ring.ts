import { compactVerify } from 'jose';
import { AppError } from '../errors.ts';

const hashOfAlgorithm = { HS256: 'SHA-256', HS384: 'SHA-384', HS512: 'SHA-512' } as const;

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
  const encoder = new TextEncoder();
  // Imported once: for raw bytes jose would import the key again for each token.
  const keys = signingKeys.map((key) =>
    crypto.subtle.importKey('raw', encoder.encode(key), { name: 'HMAC', hash: hashOfAlgorithm[algorithm] }, false, [
      'verify',
    ]),
  );

  return {
    algorithm,
    /** Passes when one of the keys made the token's signature. Throws `token_invalid`. */
    async verifySignature(token: string): Promise<void> {
      for (const key of keys) {
        try {
          await compactVerify(token, await key, { algorithms: [algorithm] });
          return;
        } catch {
          // Not this key's: the next may be the one.
        }
      }
      throw new AppError('token_invalid', { message: 'The token is not valid: its signature is not by a known key.' });
    },
  };
};

export type KeyRing = ReturnType<typeof createKeyRing>;
