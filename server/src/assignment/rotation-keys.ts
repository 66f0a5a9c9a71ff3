import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { createKeyHasher } from '../platform/key-hasher.ts';
import type { Rotation } from './assignment-store.ts';

export type RotationKeysOptions = {
  /** What all keys begin with. */
  prefix: string;
  /** What names and seals are derived from: the same in all replicas of an environment, and in no other environment. */
  sealingSecret: string;
};

const blockBytes = 16;
const tagBytes = 8;
/** 132 bits of the keyed hash: enough for no two names ever to meet. */
const nameLength = 22;
/** Each seal is one block, so no block depends on another. */
const algorithm = 'aes-256-ecb';

/**
 * The keys of turns in Redis, and how people are named in them. Nothing readable lies there: rotations, assignment keys
 * and callers are keyed hashes, people are sealed. Turns and counts are plain numbers, which the script compares.
 *
 * A person's seal is AES-256 of one block: eight bytes of the rotation's name, then the id. It is the same each time, for
 * the script has to find the person again; it differs between rotations; and a block that was not sealed for the
 * rotation does not open.
 */
export const createRotationKeys = ({ prefix, sealingSecret }: RotationKeysOptions) => {
  const names = createKeyHasher({ sealingSecret });
  const key = Buffer.from(hkdfSync('sha256', sealingSecret, '', 'auth-bff people in turns', 32));
  const nameOf = (kind: string, value: string) => names(kind, value).slice(0, nameLength);
  const tagOf = (rotation: Rotation) =>
    Buffer.from(names('seals of rotation', rotation), 'base64url').subarray(0, tagBytes);

  return {
    /** All keys of a rotation share a hash tag, and so a node of a cluster. */
    of(rotation: Rotation) {
      const tagged = `${prefix}rotation:{${nameOf('rotation', rotation)}}`;
      return {
        /** A hash: of sealed people the number of their last turn, and in `turns` the number of turns. */
        turns: `${tagged}:turns`,
        /** The count of new keys within an hour. */
        newKeys: `${tagged}:new-keys`,
        /** The sealed person who was given an assignment key. */
        given: (assignmentKey: string) => `${tagged}:key:${nameOf('assignment key', assignmentKey)}`,
      };
    },
    /** A hash: what the caller has added within an hour. */
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

    /** Throws for a seal of another rotation, environment or origin. */
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
