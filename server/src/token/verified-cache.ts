import { createLruMap } from '../platform/lru-map.ts';
import type { VerifiedToken } from './verified-token.ts';

export type VerifiedCacheOptions = {
  /** The most tokens cached. At least the half of them that was used most recently is kept. */
  maxTokens: number;
};

/** Copies the text: a slice of a `Cookie` header would keep the whole header in memory. */
const copyOf = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

/**
 * Tokens whose signature was verified, by their full text: a lookup is faster than a hash. The caller still checks `exp`.
 */
export const createVerifiedCache = <Token extends {} = VerifiedToken>({ maxTokens }: VerifiedCacheOptions) => {
  const tokens = createLruMap<string, Token>(maxTokens);
  return {
    get: (token: string): Token | undefined => tokens.get(token),
    set: (token: string, verified: Token): void => tokens.set(copyOf(token), verified),
    delete: (token: string): void => tokens.delete(token),
  };
};
