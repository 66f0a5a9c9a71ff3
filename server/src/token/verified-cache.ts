import { createBoundedMap } from '../platform/bounded-map.ts';
import type { VerifiedToken } from './verified-token.ts';

export type VerifiedCacheOptions = {
  /** The most tokens remembered; the least recently used goes first. */
  maxTokens: number;
};

/** A text of its own: one that was cut out of a `Cookie` header would keep all of that in memory. */
const copyOf = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

/**
 * Tokens whose signature was checked, by the whole token, which is found faster than it is hashed. Only `exp` is left
 * to look at.
 */
export const createVerifiedCache = ({ maxTokens }: VerifiedCacheOptions) => {
  const tokens = createBoundedMap<string, VerifiedToken>(maxTokens);
  return {
    get: (token: string): VerifiedToken | undefined => tokens.get(token),
    set: (token: string, verified: VerifiedToken): void => void tokens.set(copyOf(token), verified),
    delete: (token: string): void => void tokens.delete(token),
  };
};

export type VerifiedCache = ReturnType<typeof createVerifiedCache>;
