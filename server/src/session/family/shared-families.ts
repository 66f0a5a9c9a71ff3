import type { KeyHasher } from '../../platform/key-hasher.ts';
import type { RedisChannel } from '../../platform/redis/redis-channel.ts';
import { askWithCause } from '../../platform/redis/ask-with-cause.ts';
import type { RedisGuard } from '../../platform/redis/redis-guard.ts';
import { createCutoffStore } from '../cutoff/cutoff-store.ts';
import { createSharedCutoffs } from '../cutoff/shared-cutoffs.ts';
import { mergeStates, type StoredFamily, type StoredToken } from './family-state.ts';
import { createFamilyStore, type RevocationReach } from './family-store.ts';
import { createRevocationChannel, type OnRevocation } from './revocation-channel.ts';
import {
  concernsProven,
  createRevocationQueue,
  type Revocation,
  type UnstoredRevocations,
} from './revocation-queue.ts';
import { noneProven, type ProvenTokens, toRefList, type TokenRef, type TokenRefs } from './token-refs.ts';

export type SharedFamiliesOptions = {
  redisGuard: RedisGuard;
  keyHasher: KeyHasher;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: (() => number) | undefined;
  /** The prefix of all keys. */
  prefix: string;
  /** The longest TTL of an entry, in milliseconds. */
  maxTtlMs: number;
  /** The channel on which the replicas publish sign-outs. */
  channel: RedisChannel;
  /** Milliseconds between two attempts to store pending sign-outs. Default 1,000. */
  retryMs?: number | undefined;
  /** Called when Redis refuses to store sign-outs, at most once a minute for each value of `isPublished`. */
  onUnstored?: ((trouble: UnstoredRevocations) => void) | undefined;
  /** Called with each cutoff that another replica has published, by the name of its person. */
  onCutoff: (name: string, cutoffMs: number) => void;
  /** Called after each message of another replica about a sign-out. */
  onSignOut?: (() => void) | undefined;
};

/** `reach`: null if Redis stored nothing. `errorReply`: why Redis rejected the write; null also if it did not reply. */
type StoreResult = { reach: RevocationReach | null; errorReply: string | null };

/**
 * The token families of all replicas. Redis stores them; sign-outs are published as well, and a received sign-out counts
 * even if Redis could not store it. While Redis is unavailable, lookups resolve to null and sign-outs wait in a queue.
 */
export const createSharedFamilies = (options: SharedFamiliesOptions) => {
  const { redisGuard, retryMs, onUnstored, monotonicNow = () => performance.now() } = options;
  const { redis, ask } = redisGuard;
  const store = createFamilyStore({ ...options, redis });
  const revocations = createRevocationChannel(options);
  const { nameOf } = store;
  const cutoffs = createSharedCutoffs({
    redisGuard,
    families: store,
    cutoffs: createCutoffStore({ ...options, redis }),
    channel: revocations,
    monotonicNow,
    retryMs,
    onUnstored,
  });

  /** Adds the received revocations of these names to the stored state. */
  const withReceived = (state: StoredFamily | null, names: ReadonlyArray<string | null>): StoredFamily | null => {
    const received = revocations.receivedFor(names);
    if (received.length === 0) return state;
    return {
      ...(state ?? { name: null, stored: noneProven }),
      ...mergeStates([...(state === null ? [] : [state]), ...received]),
    };
  };

  const storeRevocation = async (revocation: Revocation, { critical }: { critical: boolean }): Promise<StoreResult> => {
    const { reply: reach, errorReply } = await askWithCause(redisGuard, () => store.revoke(revocation), { critical });
    if (reach !== null && reach.names.size > 0) {
      void revocations.publish({ what: revocation.what, isProven: true }, reach.names);
    }
    return { reach, errorReply };
  };

  const queue = createRevocationQueue<Revocation>({
    isProven: concernsProven,
    store: async (revocation) => {
      const { reach, errorReply } = await storeRevocation(revocation, { critical: false });
      return { isStored: reach !== null, errorReply };
    },
    publish: (names) => revocations.publish({ what: 'ended', isProven: true }, names),
    redis,
    monotonicNow,
    retryMs,
    onUnstored,
  });

  /**
   * Revokes tokens that are not proven. Nothing is stored about them. Another replica may be refreshing them at this
   * moment, which proves them: it receives the message, and the second write finds what it stored before that.
   */
  const revokeUnproven = async (revocation: Revocation): Promise<ProvenTokens> => {
    const names = store.expiringNamesOf(toRefList(revocation.refs));
    await revocations.publish({ what: revocation.what, isProven: false }, names);
    const { reach } = await storeRevocation(revocation, { critical: true });
    return reach?.stored ?? noneProven;
  };

  /** Stores and publishes a revocation; only publishes it if Redis rejects writes. Resolves to which tokens are stored. */
  const revoke = async (revocation: Revocation, { isRetried }: { isRetried: boolean }): Promise<ProvenTokens> => {
    if (toRefList(revocation.refs).length === 0) return noneProven;
    const { reach, errorReply } = await storeRevocation(revocation, { critical: true });
    if (reach !== null) return reach.names.size > 0 ? reach.stored : revokeUnproven(revocation);

    const found = errorReply === null ? null : await ask(() => store.reachOf(revocation));
    const names = found?.names ?? store.expiringNamesOf(toRefList(revocation.refs).filter(({ isProven }) => isProven));
    // Redis knows none of these tokens, so that they may be made up.
    const isUnproven = found !== null && names.size === 0;
    if (isRetried && !isUnproven) await queue.add(revocation, names, errorReply);
    if (!isRetried && errorReply !== null) await revocations.publish({ what: revocation.what, isProven: true }, names);
    return found?.stored ?? noneProven;
  };

  return {
    /** The family of these tokens. Tokens without a family begin one, as far as they are proven. */
    async join(refs: TokenRefs): Promise<StoredFamily | null> {
      // A Redis that rejects writes can still be read.
      const state =
        (await ask(() => store.find(refs, { isWritten: true }))) ??
        (await ask(() => store.find(refs, { isWritten: false })));
      return withReceived(state, [...toRefList(refs).map(nameOf), state?.name ?? null]);
    },

    /**
     * Adds issued tokens to a family, or begins one with them (null). Resolves to the state of the family. A family that
     * was signed out accepts no tokens. `sinceMs`: the family counts as begun at this time. 0: the `iat` of its tokens decides.
     */
    async add(familyName: string | null, refs: TokenRefs, sinceMs = 0): Promise<StoredFamily | null> {
      const name = familyName ?? toRefList(refs).map(nameOf)[0] ?? '';
      const added = await ask(() => store.add(name, refs, sinceMs));
      const state = added ?? (familyName === null ? null : await ask(() => store.read(familyName)));
      return withReceived(state === null ? null : { name, stored: noneProven, ...state }, [name]);
    },

    /** The state of a family. `refs`: tokens of this family. */
    async read(name: string, refs: TokenRefs): Promise<StoredFamily | null> {
      const state = await ask(() => store.read(name));
      return withReceived(state === null ? null : { name, stored: noneProven, ...state }, [
        name,
        ...toRefList(refs).map(nameOf),
      ]);
    },

    /** Signs out the families of these tokens in all replicas. Resolves to which tokens were stored before. */
    revoke: (refs: TokenRefs, familyNames: readonly string[]): Promise<ProvenTokens> =>
      revoke({ what: 'ended', refs, familyNames }, { isRetried: true }),

    /** Marks the families of these tokens as replaced by a new sign-in. Resolves to which tokens were stored before. */
    replace: (refs: TokenRefs, familyNames: readonly string[]): Promise<ProvenTokens> =>
      revoke({ what: 'replaced', refs, familyNames }, { isRetried: false }),

    /** Calls back with revocations of these tokens by other replicas, proven or not, until the returned function is called. */
    watch: (refs: readonly TokenRef[], onRevocation: OnRevocation): (() => void) =>
      revocations.watch(refs.map(nameOf), onRevocation),

    /** Whether a replica has published that this access token or its family was signed out. Needs no I/O. */
    hasReceivedSignOut: (access: TokenRef, familyName: string | null): boolean =>
      !revocations.hasReceivedNone() && revocations.hasReceivedSignOut([nameOf(access), familyName]),

    /** The time at which this session counts as begun, as a replica has published it. 0: none has. Needs no I/O. */
    receivedSinceMs: (access: TokenRef, familyName: string | null): number =>
      revocations.hasReceivedNone() ? 0 : revocations.receivedSinceMs([nameOf(access), familyName]),

    /** What Redis stores about an access token and its person. Null: Redis is unavailable. */
    lookUp: (access: TokenRef, person: string): Promise<StoredToken | null> => ask(() => store.lookUp(access, person)),

    /** The cutoffs of people. */
    cutoffs,
  };
};

export type SharedFamilies = ReturnType<typeof createSharedFamilies>;
