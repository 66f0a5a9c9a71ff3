import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { createKeyHasher } from '../../platform/key-hasher.ts';
import type { Rotation } from '../assignment-store.ts';

export type RotationKeysOptions = {
  /** The prefix of all keys. */
  prefix: string;
  /** The secret from which key names and seals are derived: the same in all replicas of an environment, and only there. */
  sealingSecret: string;
};

const blockBytes = 16;
const tagBytes = 8;
/** 132 bits of the keyed hash: enough to exclude collisions. */
const nameLength = 22;
/** Each seal is a single block, so that the block mode does not matter. */
const algorithm = 'aes-256-ecb';

/**
 * The Redis keys of rotations, and the encoding of people in them. Redis holds nothing readable: rotations, assignment keys
 * and callers are keyed hashes, and people are sealed. Turns and counts are plain numbers, because the script compares them.
 *
 * The seal of a person is one block of AES-256: eight bytes derived from the rotation, then the id. It is deterministic,
 * because the script must find the person again; it differs between rotations; and a block that was not sealed for the
 * rotation cannot be opened.
 */
export const createRotationKeys = ({ prefix, sealingSecret }: RotationKeysOptions) => {
  const keyHasher = createKeyHasher({ sealingSecret });
  const key = Buffer.from(hkdfSync('sha256', sealingSecret, '', 'auth-bff people in turns', 32));
  const nameOf = (kind: string, value: string) => keyHasher(kind, value).slice(0, nameLength);
  const tagOf = (rotation: Rotation) =>
    Buffer.from(keyHasher('seals of rotation', rotation), 'base64url').subarray(0, tagBytes);

  return {
    /** All keys of a rotation share a hash tag, and therefore a node of a cluster. */
    of(rotation: Rotation) {
      const tagged = `${prefix}rotation:{${nameOf('rotation', rotation)}}`;
      return {
        /** A hash: the number of the last turn of each sealed person, and the number of all turns in `turns`. */
        turns: `${tagged}:turns`,
        /** The count of new keys in this hour. */
        newKeys: `${tagged}:new-keys`,
        /** The sealed assignee of an assignment key. */
        assigneeOf: (assignmentKey: string) => `${tagged}:key:${nameOf('assignment key', assignmentKey)}`,
      };
    },
    /** A hash: the keys and rotations that the caller has added in this hour. */
    caller: (by: string): string => `${prefix}assigner:${nameOf('assigner', by)}`,

    seal(rotation: Rotation, ids: readonly number[]): string[] {
      const tag = tagOf(rotation);
      const blocks = Buffer.alloc(ids.length * blockBytes);
      for (const [index, id] of ids.entries()) {
        tag.copy(blocks, index * blockBytes);
        blocks.writeBigUInt64BE(BigInt(id), index * blockBytes + tagBytes);
      }
      const sealed = createCipheriv(algorithm, key, null).setAutoPadding(false).update(blocks);
      return ids.map((_id, index) => sealed.toString('base64url', index * blockBytes, (index + 1) * blockBytes));
    },

    /** Throws if the seal was made for another rotation or with another secret. */
    open(rotation: Rotation, sealed: string): number {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length === blockBytes) {
        const block = createDecipheriv(algorithm, key, null).setAutoPadding(false).update(bytes);
        if (block.subarray(0, tagBytes).equals(tagOf(rotation))) return Number(block.readBigUInt64BE(tagBytes));
      }
      throw new Error('Redis holds a person in a rotation that was not sealed for it.');
    },
  };
};

export type RotationKeys = ReturnType<typeof createRotationKeys>;
