import type { Subject } from '../../token/principal.ts';
import type { Cutoffs, DatedToken } from '../cutoff/cutoffs.ts';
import { createAccessChecks } from './access-checks.ts';
import type { StoredFamily } from './family-state.ts';
import { createLocalFamilies, isRevoked, newFamily, type TokenFamily } from './local-families.ts';
import type { SharedFamilies } from './shared-families.ts';
import { type ProvenTokens, toProven, toRefList, type TokenRefs, withProof } from './token-refs.ts';

export type TokenFamiliesOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  cutoffs: Cutoffs;
  /** The families of all replicas. Null: there is only this replica. */
  shared: SharedFamilies | null;
  /** The most tokens remembered; the least recently used is evicted first. Default 200,000. */
  maxTokens?: number;
  /** Called when a sign-out becomes known here. Those of other replicas are reported by `shared`. */
  onSignOut?: (() => void) | undefined;
};

/**
 * The token families, by the fingerprints of their tokens. A sign-out revokes the whole family, including tokens that
 * are still on their way to the browser. Each call also consults the other replicas; while Redis is unavailable, the
 * state of this process decides. Only proven tokens are remembered.
 */
export const createTokenFamilies = (options: TokenFamiliesOptions) => {
  const { now, cutoffs, shared, maxTokens = 200_000, onSignOut = () => {} } = options;
  const local = createLocalFamilies({ maxTokens });

  /** Applies the state in Redis. `refs`: tokens of the family; those that Redis stores are proven. */
  const applyState = (family: TokenFamily, state: StoredFamily | null | undefined, refs?: TokenRefs): void => {
    if (state === null || state === undefined) return;
    family.sharedName = state.name ?? family.sharedName;
    family.revokedAtMs ??= state.revokedAtMs;
    family.isReplaced ||= state.isReplaced;
    family.sinceMs = Math.max(family.sinceMs, state.sinceMs);
    if (refs !== undefined) local.remember(family, withProof(refs, state.stored));
  };

  /** The families of the proven tokens in Redis, as far as this process knows them. */
  const sharedNamesOf = (refs: TokenRefs): string[] =>
    toRefList(refs).flatMap((ref) => (ref.isProven ? (local.find(ref)?.sharedName ?? []) : []));

  /** Changes the families of the proven tokens in all replicas. Resolves to which tokens are proven. */
  const changeEverywhere = async (
    refs: TokenRefs,
    change: (family: TokenFamily) => void,
    changeShared: ((refs: TokenRefs, familyNames: string[]) => Promise<ProvenTokens>) | undefined,
  ): Promise<ProvenTokens> => {
    const known = local.withLocalProof(refs);
    local.change(known, change);
    onSignOut();
    const stored = await changeShared?.(known, sharedNamesOf(known));
    const proven = stored === undefined ? known : withProof(known, stored);
    local.change(proven, change);
    return toProven(proven);
  };

  /** Reads the cutoff of a person from the other replicas. */
  const loadCutoff = async (subject: Subject): Promise<void> => {
    const name = cutoffs.nameOf(subject);
    const cutoffMs = (await shared?.cutoffs.read(name)) ?? null;
    if (cutoffMs !== null) cutoffs.find(name, cutoffMs);
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

  /** Updates the state of the family of these tokens, and the cutoff of its person, from the other replicas. */
  const update = async (family: TokenFamily, refs: TokenRefs, owner: Subject): Promise<void> => {
    const known = local.withLocalProof(refs);
    const { sharedName } = family;
    const loading = sharedName === null ? shared?.join(known) : shared?.read(sharedName, known);
    const [state] = await Promise.all([loading, loadCutoff(owner)]);
    applyState(family, state, sharedName === null ? known : undefined);
  };

  return {
    /** Runs a refresh with the family of its tokens, or with a new one. If the tokens have two families, a revoked one is used. */
    async withFamily<Result>(
      refs: TokenRefs,
      owner: Subject,
      refresh: (family: TokenFamily) => Promise<Result>,
    ): Promise<Result> {
      const known = local.withLocalProof(refs);
      const families = toRefList(known)
        .map(local.find)
        .filter((family) => family !== undefined);
      const family = families.find(isRevoked) ?? families[0] ?? newFamily();
      local.remember(family, known);
      const release = holdWhileRefreshing(family, known);
      try {
        const [state] = await Promise.all([shared?.join(known), loadCutoff(owner)]);
        applyState(family, state, known);
        return await refresh(family);
      } finally {
        release();
      }
    },

    /** Whether this process knows that the Auth Service issued the token. Does not consult other replicas. */
    isProven: local.isProven,

    /** Which of these tokens are proven, as far as this process knows. */
    proofOf: async (refs: TokenRefs): Promise<ProvenTokens> => toProven(local.withLocalProof(refs)),

    /**
     * Begins a family with the tokens of a new session. The cutoff that its person has does not reach it. False, without a
     * family: that cutoff was set after `startedAtMs`, when the sign-in began, perhaps with a password that was changed.
     */
    async begin(refs: TokenRefs, owner: Subject, startedAtMs: number): Promise<boolean> {
      const family = newFamily();
      await loadCutoff(owner);
      if (cutoffs.isSetAfter(owner, startedAtMs)) return false;
      family.sinceMs = cutoffs.get(owner) ?? 0;
      local.assign(family, refs);
      applyState(family, await shared?.add(null, refs, family.sinceMs));
      return true;
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

    update,

    /** The cutoff that ends the session of a refresh token of this family. Null: none does. */
    async cutOffAtMs(family: TokenFamily, refs: TokenRefs, refresh: DatedToken): Promise<number | null> {
      if (cutoffs.endedAtMs(refresh, family.sinceMs) === null) return null;
      // The cutoff may have arrived after the state of the family, which is stored first: the session may be kept.
      if (shared !== null) await update(family, refs, refresh.principal);
      return cutoffs.endedAtMs(refresh, family.sinceMs);
    },

    /**
     * Ends all sessions of a person in all replicas, except the family of the proven tokens of `kept`. Never throws.
     */
    async cutOff(owner: Subject, kept: TokenRefs | null): Promise<void> {
      await loadCutoff(owner);
      const name = cutoffs.nameOf(owner);
      const cutoffMs = cutoffs.next(owner);
      const known = kept === null ? null : local.withLocalProof(kept);
      if (known !== null) {
        local.change(known, (family) => {
          family.sinceMs = Math.max(family.sinceMs, cutoffMs);
        });
      }
      cutoffs.raise(name, cutoffMs);
      onSignOut();
      await shared?.cutoffs.set({
        name,
        cutoffMs,
        kept: known === null ? null : { refs: known, familyNames: sharedNamesOf(known) },
      });
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

    ...createAccessChecks({ local, cutoffs, shared }),
  };
};

export type TokenFamilies = ReturnType<typeof createTokenFamilies>;
