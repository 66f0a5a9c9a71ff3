import { createBoundedMap } from '../bounded-map.ts';
import type { VerifiedToken } from './verified-token.ts';

export type VerifiedCacheOptions = {
  /** The most tokens remembered; the least recently used goes first. */
  maxTokens: number;
};

/** Tokens whose signature was checked, by the SHA-256 of the whole token. Only `exp` is left to look at. */
export const createVerifiedCache = ({ maxTokens }: VerifiedCacheOptions) => {
  const tokens = createBoundedMap<string, VerifiedToken>(maxTokens);
  return {
    get: (fingerprint: string): VerifiedToken | undefined => tokens.get(fingerprint),
    /** Remembers the token until its `exp` at most. */
    set: (token: VerifiedToken): void => void tokens.set(token.fingerprint, token),
    delete: (fingerprint: string): void => void tokens.delete(fingerprint),
  };
};

export type VerifiedCache = ReturnType<typeof createVerifiedCache>;
