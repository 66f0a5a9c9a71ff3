import type { KeyHasher } from '../../platform/key-hasher.ts';
import type { TokenRef } from './token-refs.ts';

export type FamilyKeysOptions = {
  keyHasher: KeyHasher;
  /** The prefix of all keys. */
  prefix: string;
};

/** The names of tokens and families in Redis, and the keys of their entries. A family has the name of its first token. */
export const createFamilyKeys = ({ keyHasher, prefix }: FamilyKeysOptions) => {
  const nameCache = new WeakMap<TokenRef, string>();
  /** Cached per ref: every call with an access token needs the name. */
  const nameOf = (ref: TokenRef): string => {
    const name = nameCache.get(ref) ?? keyHasher('token', ref.fingerprint);
    nameCache.set(ref, name);
    return name;
  };

  return {
    nameOf,
    /** The hash of a family. */
    familyKey: (name: string): string => `${prefix}chain:${name}`,
    /** The name of the family of a token. */
    familyNameKey: (ref: TokenRef): string => `${prefix}chain-of:${nameOf(ref)}`,
    /** The time at which the session of an access token was signed out. */
    revokedKey: (name: string): string => `${prefix}ended:${name}`,
    /** The time from which the session of an access token counts as begun. */
    sinceKey: (name: string): string => `${prefix}since:${name}`,
  };
};
