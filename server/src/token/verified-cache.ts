import { createBoundedMap } from '../platform/bounded-map.ts';
import type { VerifiedToken } from './verified-token.ts';

export type VerifiedCacheOptions = {
  /** The most tokens cached; the least recently used is evicted first. */
  maxTokens: number;
};

/** Copies the text: a slice of a `Cookie` header would keep the whole header in memory. */
const copyOf = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

/**
 * Tokens whose signature was verified, by their full text: a lookup is faster than a hash. The caller still checks `exp`.
 */
export const createVerifiedCache = ({ maxTokens }: VerifiedCacheOptions) => {
  const tokens = createBoundedMap<string, VerifiedToken>(maxTokens);
  return {
    get: (token: string): VerifiedToken | undefined => tokens.get(token),
    set: (token: string, verified: VerifiedToken): void => void tokens.set(copyOf(token), verified),
    delete: (token: string): void => void tokens.delete(token),
  };
};
