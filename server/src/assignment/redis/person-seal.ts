import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

const blockBytes = 16;
export const tagBytes = 8;
/** Characters of a sealed person. */
export const sealLength = 22;
/** Each seal is a single block, so that the block mode does not matter. */
const algorithm = 'aes-256-ecb';

/**
 * The seal of a person is one block of AES-256: eight bytes derived from its context, then the id. It is deterministic,
 * because the script must find the person again; it differs between contexts; and a block that was not sealed for the
 * context cannot be opened.
 */
export const createPersonSeal = ({ sealingSecret }: { sealingSecret: string }) => {
  const key = Buffer.from(hkdfSync('sha256', sealingSecret, '', 'auth-bff people in turns', 32));

  return {
    /** `tag`: eight bytes derived from the context. */
    seal(tag: Buffer, ids: readonly number[]): string[] {
      const blocks = Buffer.alloc(ids.length * blockBytes);
      for (const [index, id] of ids.entries()) {
        tag.copy(blocks, index * blockBytes);
        blocks.writeBigUInt64BE(BigInt(id), index * blockBytes + tagBytes);
      }
      const sealed = createCipheriv(algorithm, key, null).setAutoPadding(false).update(blocks);
      return ids.map((_id, index) => sealed.toString('base64url', index * blockBytes, (index + 1) * blockBytes));
    },

    /** Throws if the seal was made for another context or with another secret. */
    open(tag: Buffer, sealed: string): number {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length === blockBytes) {
        const block = createDecipheriv(algorithm, key, null).setAutoPadding(false).update(bytes);
        if (block.subarray(0, tagBytes).equals(tag)) return Number(block.readBigUInt64BE(tagBytes));
      }
      throw new Error('Redis holds a person in a rotation that was not sealed for it.');
    },
  };
};
