import { hkdfSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';

export type SealerOptions = {
  sealingSecret: string;
  /** The purpose. A text that was sealed for another purpose cannot be opened. */
  label: string;
};

/** Encrypts values that a browser stores for the BFF, with A256GCM (RFC 7516). The key is derived with HKDF (RFC 5869). */
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
