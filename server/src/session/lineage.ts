import { LRUCache } from 'lru-cache';

/** One signed-in session, through all the tokens that it was ever given. */
export type Chain = { isEnded: boolean };

export type LineageOptions = {
  /** The most tokens remembered; the least recently used goes first. Default 200,000. */
  maxTokens?: number;
};

/**
 * Which tokens belong to one session, by their fingerprints, so that a sign-out ends all of them:
 * also those that are still on their way to a browser.
 */
export const createLineage = ({ maxTokens = 200_000 }: LineageOptions = {}) => {
  const chains = new LRUCache<string, Chain>({ max: maxTokens });

  return {
    /** The chain of these tokens; where none is known, a new one. Where the tokens are of two chains, an ended one wins. */
    chainOf(fingerprints: readonly string[]): Chain {
      const known = fingerprints.map((fingerprint) => chains.get(fingerprint)).filter((chain) => chain !== undefined);
      const chain = known.find(({ isEnded }) => isEnded) ?? known[0] ?? { isEnded: false };
      for (const fingerprint of fingerprints) if (!chains.has(fingerprint)) chains.set(fingerprint, chain);
      return chain;
    },
    /** Adds tokens to a chain. */
    extend(chain: Chain, fingerprints: readonly string[]): void {
      for (const fingerprint of fingerprints) chains.set(fingerprint, chain);
    },
    /** Ends every chain that one of these tokens belongs to, and these tokens. */
    end(fingerprints: readonly string[]): void {
      for (const fingerprint of fingerprints) {
        const chain = chains.get(fingerprint) ?? { isEnded: true };
        chain.isEnded = true;
        chains.set(fingerprint, chain);
      }
    },
    isEnded: (fingerprint: string): boolean => chains.get(fingerprint)?.isEnded ?? false,
  };
};

export type Lineage = ReturnType<typeof createLineage>;
