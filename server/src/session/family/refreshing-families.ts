import type { TokenFamily } from './local-families.ts';
import type { TokenRef } from './token-refs.ts';

/** The families of unproven tokens while refreshes of them are in flight, so that a sign-out finds these families. */
export const createRefreshingFamilies = () => {
  const entries = new Map<string, { family: TokenFamily; refreshes: number }>();

  const release = ({ fingerprint }: TokenRef): void => {
    const entry = entries.get(fingerprint);
    if (entry === undefined) return;
    entry.refreshes -= 1;
    if (entry.refreshes === 0) entries.delete(fingerprint);
  };

  return {
    get: (fingerprint: string): TokenFamily | undefined => entries.get(fingerprint)?.family,

    /** Holds the family of these tokens until the returned function is called. A token that has a family keeps it. */
    hold(family: TokenFamily, refs: readonly TokenRef[]): () => void {
      for (const { fingerprint } of refs) {
        const entry = entries.get(fingerprint) ?? { family, refreshes: 0 };
        entry.refreshes += 1;
        entries.set(fingerprint, entry);
      }
      return () => {
        for (const ref of refs) release(ref);
      };
    },
  };
};
