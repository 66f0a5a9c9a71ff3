import { LRUCache } from 'lru-cache';

/** One signed-in session, through all the tokens that it was ever given. */
export type Chain = {
  /** When it was signed out, in milliseconds since the epoch. Null: it was not. */
  endedAtMs: number | null;
  /** Somebody has signed in anew in its place: what it is given now must not take the place of that. */
  isReplaced: boolean;
};

export const newChain = (): Chain => ({ endedAtMs: null, isReplaced: false });

export type LineageOptions = {
  now: () => number;
  /** The most tokens remembered; the least recently used goes first. Default 200,000. */
  maxTokens?: number;
};

/**
 * Which tokens belong to one session, by their fingerprints, so that a sign-out ends all of them:
 * also those that are still on their way to a browser.
 */
export const createLineage = ({ now, maxTokens = 200_000 }: LineageOptions) => {
  const chains = new LRUCache<string, Chain>({ max: maxTokens });

  return {
    /** The chain of these tokens; where none is known, a new one. Where the tokens are of two chains, an ended one wins. */
    chainOf(fingerprints: readonly string[]): Chain {
      const known = fingerprints.map((fingerprint) => chains.get(fingerprint)).filter((chain) => chain !== undefined);
      const chain = known.find(({ endedAtMs }) => endedAtMs !== null) ?? known[0] ?? newChain();
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
        const chain = chains.get(fingerprint) ?? newChain();
        chain.endedAtMs ??= now();
        chains.set(fingerprint, chain);
      }
    },
    /** The browser that holds these tokens gets others. */
    replace(fingerprints: readonly string[]): void {
      for (const fingerprint of fingerprints) {
        const chain = chains.get(fingerprint) ?? newChain();
        chain.isReplaced = true;
        chains.set(fingerprint, chain);
      }
    },
    isEnded: (fingerprint: string): boolean => (chains.get(fingerprint)?.endedAtMs ?? null) !== null,
  };
};

export type Lineage = ReturnType<typeof createLineage>;
