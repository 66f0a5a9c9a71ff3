import { createBoundedMap } from '../../platform/bounded-map.ts';
import { createRefreshingFamilies } from './refreshing-families.ts';
import { type ProvableTokenRef, toRefList, type TokenRef, type TokenRefs, withProof } from './token-refs.ts';

/** One session: all tokens that a sign-in and its refreshes have issued. */
export type TokenFamily = {
  /** The name of the family in Redis. Null: Redis was unavailable. */
  sharedName: string | null;
  /** When the session was signed out, in milliseconds since the epoch. Null: it was not. */
  revokedAtMs: number | null;
  /** The browser has signed in again. A refresh of this family must not overwrite the cookies of the new session. */
  isReplaced: boolean;
  /** A cutoff before this time does not end the session, although its tokens may be older. 0: their `iat` decides. */
  sinceMs: number;
};

export type LocalFamiliesOptions = {
  /** The most tokens remembered; the least recently used is evicted first. */
  maxTokens: number;
};

export const newFamily = (): TokenFamily => ({ sharedName: null, revokedAtMs: null, isReplaced: false, sinceMs: 0 });

export const isRevoked = (family: TokenFamily | undefined): boolean => (family?.revokedAtMs ?? null) !== null;

/** The token families that this process knows, by the fingerprints of their tokens. Only proven tokens are remembered. */
export const createLocalFamilies = ({ maxTokens }: LocalFamiliesOptions) => {
  const families = createBoundedMap<string, TokenFamily>(maxTokens);
  const refreshing = createRefreshingFamilies();

  /** The family of a remembered token. */
  const get = ({ fingerprint }: TokenRef): TokenFamily | undefined => families.get(fingerprint);
  const has = ({ fingerprint }: TokenRef): boolean => families.has(fingerprint);

  /** The family of a remembered token, or of a token that is being refreshed. */
  const find = (ref: TokenRef): TokenFamily | undefined => get(ref) ?? refreshing.get(ref.fingerprint);

  /** A remembered token is proven. */
  const isProven = (ref: ProvableTokenRef): boolean => ref.isProven || has(ref);

  return {
    get,
    has,
    find,
    isProven,

    withLocalProof: (refs: TokenRefs): TokenRefs =>
      withProof(refs, {
        access: refs.access !== null && isProven(refs.access),
        refresh: refs.refresh !== null && isProven(refs.refresh),
      }),

    /** Remembers the family of the proven tokens that have none. */
    remember(family: TokenFamily, refs: TokenRefs): void {
      for (const ref of toRefList(refs)) {
        if (ref.isProven && !has(ref)) families.set(ref.fingerprint, family);
      }
    },

    /** Remembers the family of issued tokens, even if they had another one. */
    assign(family: TokenFamily, refs: TokenRefs): void {
      for (const { fingerprint } of toRefList(refs)) families.set(fingerprint, family);
    },

    /** Changes the known families of these tokens. A proven token without a family begins one. */
    change(refs: TokenRefs, change: (family: TokenFamily) => void): void {
      for (const ref of toRefList(refs)) {
        const known = find(ref);
        const family = known ?? newFamily();
        if (known !== undefined || ref.isProven) change(family);
        if (ref.isProven) families.set(ref.fingerprint, family);
      }
    },

    /** Lets `find` return the family of unproven tokens, until the returned function is called. */
    hold: refreshing.hold,
  };
};

export type LocalFamilies = ReturnType<typeof createLocalFamilies>;
