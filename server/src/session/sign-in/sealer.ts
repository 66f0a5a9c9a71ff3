import { hkdfSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';

export type SealerOptions = {
  sealingSecret: string;
  /** Names the purpose. Texts that were sealed for another purpose do not open. */
  label: string;
};

/** Encrypts values that a browser keeps for the BFF: A256GCM (RFC 7516) under a key by HKDF (RFC 5869). */
export const createSealer = ({ sealingSecret, label }: SealerOptions) => {
  const key = new Uint8Array(hkdfSync('sha256', sealingSecret, '', label, 32));

  return {
    seal: (value: unknown): Promise<string> =>
      new CompactEncrypt(new TextEncoder().encode(JSON.stringify(value)))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(key),

    /** The value. Null: the text was not sealed with this key. */
    async open(sealed: string): Promise<unknown> {
      try {
        const { plaintext } = await compactDecrypt(sealed, key, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        return JSON.parse(new TextDecoder().decode(plaintext));
      } catch {
        return null;
      }
    },
  };
};
