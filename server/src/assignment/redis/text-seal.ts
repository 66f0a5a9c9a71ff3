import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomFillSync } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;
const ivsPerFill = 256;

/**
 * Seals texts for Redis with AES-256-GCM, bound to a context: a text that was sealed for another context cannot be opened.
 * `purpose` separates the keys of different uses.
 */
export const createTextSeal = ({ sealingSecret, purpose }: { sealingSecret: string; purpose: string }) => {
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', sealingSecret, '', purpose, 32)));
  const ivs = Buffer.alloc(ivBytes * ivsPerFill);
  let used = ivs.length;
  /** Random bytes are drawn for many texts at once, because a draw costs as much as a seal. */
  const newIv = (): Buffer => {
    if (used === ivs.length) {
      randomFillSync(ivs);
      used = 0;
    }
    used += ivBytes;
    return ivs.subarray(used - ivBytes, used);
  };

  return {
    seal(context: string, text: string): string {
      const iv = newIv();
      const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagBytes }).setAAD(Buffer.from(context));
      const sealed = cipher.update(text, 'utf8');
      cipher.final();
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
    },

    /** Null: the text was changed, or sealed for another context or with another secret. */
    open(context: string, sealed: string): string | null {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < ivBytes + tagBytes) return null;
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      try {
        return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
      } catch {
        return null;
      }
    },
  };
};
