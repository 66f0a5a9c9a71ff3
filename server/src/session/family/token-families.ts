import type { MaybePromise } from '../../platform/maybe-promise.ts';
import type { StoredFamily } from './family-store.ts';
import { createLocalFamilies, newFamily, type TokenFamily } from './local-families.ts';
import type { SharedFamilies } from './shared-families.ts';
import { type ProvenTokens, toRefList, type TokenRef, type TokenRefs, toTokenRef, withProof } from './token-refs.ts';

export type TokenFamiliesOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The families of all replicas. Null: there is only this replica. */
  shared: SharedFamilies | null;
  /** The most tokens remembered; the least recently used is evicted first. Default 200,000. */
  maxTokens?: number;
};

const isRevoked = (family: TokenFamily | undefined): boolean => (family?.revokedAtMs ?? null) !== null;

/**
 * The token families, by the fingerprints of their tokens. A sign-out revokes the whole family, including tokens that
 * are still on their way to the browser. Each call also consults the other replicas; while Redis is unavailable, the
 * state of this process decides. Only proven tokens are remembered.
 */
export const createTokenFamilies = ({ now, shared, maxTokens = 200_000 }: TokenFamiliesOptions) => {
  const local = createLocalFamilies({ maxTokens });

  /** Applies the state in Redis. `refs`: tokens of the family; those that Redis stores are proven. */
  const applyState = (family: TokenFamily, state: StoredFamily | null | undefined, refs?: TokenRefs): void => {
    if (state === null || state === undefined) return;
    family.sharedName = state.name ?? family.sharedName;
    family.revokedAtMs ??= state.revokedAtMs;
    family.isReplaced ||= state.isReplaced;
    if (refs !== undefined) local.remember(family, withProof(refs, state.stored));
  };

  /** Changes the families of the proven tokens in all replicas. Resolves to which tokens are proven. */
  const changeEverywhere = async (
    refs: TokenRefs,
    change: (family: TokenFamily) => void,
    changeShared: ((refs: TokenRefs, familyNames: string[]) => Promise<ProvenTokens>) | undefined,
  ): Promise<ProvenTokens> => {
    const known = local.withLocalProof(refs);
    local.change(known, change);
    const familyNames = toRefList(known).flatMap((ref) => (ref.isProven ? (local.find(ref)?.sharedName ?? []) : []));
    const stored = await changeShared?.(known, familyNames);
    const proven = stored === undefined ? known : withProof(known, stored);
    local.change(proven, change);
    return { access: proven.access?.isProven === true, refresh: proven.refresh?.isProven === true };
  };

  const isRevokedLocally = (access: TokenRef): boolean => {
    const family = local.get(access);
    if (isRevoked(family)) return true;
    return shared?.hasReceivedSignOut(access, family?.sharedName ?? null) === true;
  };

  const isRevokedElsewhere = async (others: SharedFamilies, access: TokenRef): Promise<boolean> => {
    const revokedAtMs = await others.revokedAtMs(access);
    if (revokedAtMs === null) return false;
    // This process remembers it, in case Redis becomes unavailable.
    local.change({ access: toTokenRef(access, true), refresh: null }, (family) => {
      family.revokedAtMs ??= revokedAtMs;
    });
    return true;
  };

  /** Lets a sign-out, here or at another replica, find the family of tokens that are not proven yet. Returns the release. */
  const holdWhileRefreshing = (family: TokenFamily, refs: TokenRefs): (() => void) => {
    const list = toRefList(refs);
    // A proven token leads to the family. An unproven one beside it may be made up in order to end the session.
    const held = list.some((ref) => ref.isProven) ? [] : list;
    const release = local.hold(family, held);
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
      const known = local.withLocalProof(refs);
      const families = toRefList(known)
        .map(local.find)
        .filter((family) => family !== undefined);
      const family = families.find(isRevoked) ?? families[0] ?? newFamily();
      local.remember(family, known);
      const release = holdWhileRefreshing(family, known);
      try {
        applyState(family, await shared?.join(known), known);
        return await refresh(family);
      } finally {
        release();
      }
    },

    /** Whether this process knows that the Auth Service issued the token. Does not consult other replicas. */
    isProven: local.isProven,

    /** Begins a family with the tokens of a new session. */
    async begin(refs: TokenRefs): Promise<void> {
      const family = newFamily();
      local.assign(family, refs);
      applyState(family, await shared?.add(null, refs));
    },

    /** Adds the issued tokens to the family of the tokens that were exchanged, and updates the state of the family. */
    async addIssued(family: TokenFamily, exchanged: TokenRefs, issued: TokenRefs): Promise<void> {
      // A sign-out whose tokens were not proven at that time could not inform the other replicas.
      const isUnshared = isRevoked(family) && !toRefList(exchanged).every(local.has);
      local.remember(family, exchanged);
      local.assign(family, issued);
      // Redis was unavailable when the refresh began: a sign-out at another replica has not seen these tokens.
      if (family.sharedName === null) applyState(family, await shared?.join(exchanged));
      applyState(family, await shared?.add(family.sharedName, issued));
      if (isUnshared) await shared?.revoke(exchanged, []);
    },

    /** Adds proven tokens that a browser presented to the family of the other tokens that it presented. */
    async addPresented(family: TokenFamily, refs: TokenRefs): Promise<void> {
      const revoked = toRefList(refs).map(local.find).find(isRevoked);
      family.revokedAtMs ??= revoked?.revokedAtMs ?? null;
      local.remember(family, refs);
      applyState(family, await shared?.join(refs));
    },

    /** Updates the state of the family of these tokens from the other replicas. */
    async update(family: TokenFamily, refs: TokenRefs): Promise<void> {
      const known = local.withLocalProof(refs);
      if (family.sharedName === null) applyState(family, await shared?.join(known), known);
      else applyState(family, await shared?.read(family.sharedName, known));
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
