import { createBoundedMap } from '../../platform/bounded-map.ts';
import type { MaybePromise } from '../../platform/maybe-promise.ts';
import type { StoredFamily } from './family-store.ts';
import { createRefreshingFamilies } from './refreshing-families.ts';
import type { SharedFamilies } from './shared-families.ts';
import {
  type ProvableTokenRef,
  type ProvenTokens,
  toRefList,
  type TokenRef,
  type TokenRefs,
  toTokenRef,
  withProof,
} from './token-refs.ts';

/** One session: all tokens that a sign-in and its refreshes have issued. */
export type TokenFamily = {
  /** The name of the family in Redis. Null: Redis was unavailable. */
  sharedName: string | null;
  /** When the session was signed out, in milliseconds since the epoch. Null: it was not. */
  revokedAtMs: number | null;
  /** The browser has signed in again. A refresh of this family must not overwrite the cookies of the new session. */
  isReplaced: boolean;
};

export type TokenFamiliesOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The families of all replicas. Null: there is only this replica. */
  shared: SharedFamilies | null;
  /** The most tokens remembered; the least recently used is evicted first. Default 200,000. */
  maxTokens?: number;
};

const newFamily = (): TokenFamily => ({ sharedName: null, revokedAtMs: null, isReplaced: false });

const isRevoked = (family: TokenFamily | undefined): boolean => (family?.revokedAtMs ?? null) !== null;

/**
 * The token families, by the fingerprints of their tokens. A sign-out revokes the whole family, including tokens that
 * are still on their way to the browser. Each call also consults the other replicas; while Redis is unavailable, the
 * state of this process decides. Only proven tokens are remembered.
 */
export const createTokenFamilies = ({ now, shared, maxTokens = 200_000 }: TokenFamiliesOptions) => {
  const families = createBoundedMap<string, TokenFamily>(maxTokens);
  const refreshing = createRefreshingFamilies();

  const localFamily = ({ fingerprint }: TokenRef): TokenFamily | undefined =>
    families.get(fingerprint) ?? refreshing.get(fingerprint);

  /** A remembered token is proven. */
  const isProven = (ref: ProvableTokenRef): boolean => ref.isProven || families.has(ref.fingerprint);
  const withLocalProof = (refs: TokenRefs): TokenRefs =>
    withProof(refs, {
      access: refs.access !== null && isProven(refs.access),
      refresh: refs.refresh !== null && isProven(refs.refresh),
    });

  /** Remembers the family of the proven tokens that have none. */
  const remember = (family: TokenFamily, refs: TokenRefs): void => {
    for (const ref of toRefList(refs)) {
      if (ref.isProven && !families.has(ref.fingerprint)) families.set(ref.fingerprint, family);
    }
  };

  const assign = (family: TokenFamily, refs: TokenRefs): void => {
    for (const { fingerprint } of toRefList(refs)) families.set(fingerprint, family);
  };

  /** Applies the state in Redis. `refs`: tokens of the family; those that Redis stores are proven. */
  const applyState = (family: TokenFamily, state: StoredFamily | null | undefined, refs?: TokenRefs): void => {
    if (state === null || state === undefined) return;
    family.sharedName = state.name ?? family.sharedName;
    family.revokedAtMs ??= state.revokedAtMs;
    family.isReplaced ||= state.isReplaced;
    if (refs !== undefined) remember(family, withProof(refs, state.stored));
  };

  const changeLocally = (refs: TokenRefs, change: (family: TokenFamily) => void): void => {
    for (const ref of toRefList(refs)) {
      const known = localFamily(ref);
      const family = known ?? newFamily();
      if (known !== undefined || ref.isProven) change(family);
      if (ref.isProven) families.set(ref.fingerprint, family);
    }
  };

  /** Changes the families of the proven tokens in all replicas. Resolves to which tokens are proven. */
  const changeEverywhere = async (
    refs: TokenRefs,
    change: (family: TokenFamily) => void,
    changeShared: ((refs: TokenRefs, familyNames: string[]) => Promise<ProvenTokens>) | undefined,
  ): Promise<ProvenTokens> => {
    const local = withLocalProof(refs);
    changeLocally(local, change);
    const familyNames = toRefList(local).flatMap((ref) => (ref.isProven ? (localFamily(ref)?.sharedName ?? []) : []));
    const stored = await changeShared?.(local, familyNames);
    const proven = stored === undefined ? local : withProof(local, stored);
    changeLocally(proven, change);
    return { access: proven.access?.isProven === true, refresh: proven.refresh?.isProven === true };
  };

  const isRevokedLocally = (access: TokenRef): boolean => {
    const family = families.get(access.fingerprint);
    if (isRevoked(family)) return true;
    return shared?.hasReceivedSignOut(access, family?.sharedName ?? null) === true;
  };

  const isRevokedElsewhere = async (others: SharedFamilies, access: TokenRef): Promise<boolean> => {
    const revokedAtMs = await others.revokedAtMs(access);
    if (revokedAtMs === null) return false;
    // This process remembers it, in case Redis becomes unavailable.
    changeLocally({ access: toTokenRef(access, true), refresh: null }, (family) => {
      family.revokedAtMs ??= revokedAtMs;
    });
    return true;
  };

  /** Lets a sign-out, here or at another replica, find the family of tokens that are not proven yet. Returns the release. */
  const holdWhileRefreshing = (family: TokenFamily, refs: TokenRefs): (() => void) => {
    const list = toRefList(refs);
    // A proven token leads to the family. An unproven one beside it may be made up in order to end the session.
    const held = list.some((ref) => ref.isProven) ? [] : list;
    const release = refreshing.hold(family, held);
    const unwatch = shared?.watch(held, ({ what, atMs }) => {
      if (what === 'ended') family.revokedAtMs ??= atMs;
      else family.isReplaced = true;
    });
    return () => {
      unwatch?.();
      release();
    };
  };

  return {
    /** Runs a refresh with the family of its tokens, or with a new one. If the tokens have two families, a revoked one is used. */
    async withFamily<Result>(refs: TokenRefs, refresh: (family: TokenFamily) => Promise<Result>): Promise<Result> {
      const local = withLocalProof(refs);
      const known = toRefList(local)
        .map(localFamily)
        .filter((family) => family !== undefined);
      const family = known.find(isRevoked) ?? known[0] ?? newFamily();
      remember(family, local);
      const release = holdWhileRefreshing(family, local);
      try {
        applyState(family, await shared?.join(local), local);
        return await refresh(family);
      } finally {
        release();
      }
    },

    /** Whether this process knows that the Auth Service issued the token. Does not consult other replicas. */
    isProven,

    /** Begins a family with the tokens of a new session. */
    async begin(refs: TokenRefs): Promise<void> {
      const family = newFamily();
      assign(family, refs);
      applyState(family, await shared?.add(null, refs));
    },

    /** Adds the issued tokens to the family of the tokens that were exchanged, and updates the state of the family. */
    async addIssued(family: TokenFamily, exchanged: TokenRefs, issued: TokenRefs): Promise<void> {
      // A sign-out whose tokens were not proven at that time could not inform the other replicas.
      const isUnshared =
        isRevoked(family) && toRefList(exchanged).some(({ fingerprint }) => !families.has(fingerprint));
      remember(family, exchanged);
      assign(family, issued);
      // Redis was unavailable when the refresh began: a sign-out at another replica has not seen these tokens.
      if (family.sharedName === null) applyState(family, await shared?.join(exchanged));
      applyState(family, await shared?.add(family.sharedName, issued));
      if (isUnshared) await shared?.revoke(exchanged, []);
    },

    /** Adds proven tokens that a browser presented to the family of the other tokens that it presented. */
    async addPresented(family: TokenFamily, refs: TokenRefs): Promise<void> {
      const revoked = toRefList(refs).map(localFamily).find(isRevoked);
      family.revokedAtMs ??= revoked?.revokedAtMs ?? null;
      remember(family, refs);
      applyState(family, await shared?.join(refs));
    },

    /** Updates the state of the family of these tokens from the other replicas. */
    async update(family: TokenFamily, refs: TokenRefs): Promise<void> {
      const local = withLocalProof(refs);
      if (family.sharedName === null) applyState(family, await shared?.join(local), local);
      else applyState(family, await shared?.read(family.sharedName, local));
    },

    /** Signs out every family of these tokens, as far as they are proven. Resolves to which of them are. */
    revoke: (refs: TokenRefs): Promise<ProvenTokens> =>
      changeEverywhere(
        refs,
        (family) => {
          family.revokedAtMs ??= now();
        },
        shared?.revoke,
      ),

    /** The browser that holds these tokens has signed in again. Resolves to which tokens are proven; others have no effect. */
    replace: (refs: TokenRefs): Promise<ProvenTokens> =>
      changeEverywhere(
        refs,
        (family) => {
          family.isReplaced = true;
        },
        shared?.replace,
      ),

    /** Whether this process knows that the session of this access token was signed out. */
    isRevokedLocally,

    /** Whether the session of this access token was signed out, here or at another replica. Without replicas, a plain value. */
    isRevoked(access: TokenRef): MaybePromise<boolean> {
      if (isRevokedLocally(access)) return true;
      return shared === null ? false : isRevokedElsewhere(shared, access);
    },
  };
};

export type TokenFamilies = ReturnType<typeof createTokenFamilies>;
