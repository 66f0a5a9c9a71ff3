import type { Cluster, Redis } from 'ioredis';
import { toRefList, type TokenRefs } from './token-refs.ts';

/** A change of the families of these tokens: signed out (`ended`), or replaced by a new sign-in (`replaced`). */
export type Revocation = {
  what: 'ended' | 'replaced';
  refs: TokenRefs;
  /** The families of the tokens, as far as this process knows them. */
  familyNames: readonly string[];
};

/** The Redis names of tokens and families, each with its expiry in milliseconds since the epoch. */
export type ExpiringNames = ReadonlyMap<string, number>;

/** `errorReply`: why Redis rejected the write. Null: Redis did not reply. */
export type StoreOutcome = { isStored: boolean; errorReply: string | null };

/** Sign-outs that Redis refuses to store. */
export type UnstoredRevocations = {
  /** The error reply of Redis. */
  cause: string;
  /** Whether PUBLISH has informed the other replicas. */
  isPublished: boolean;
  /** The number of sign-outs that wait to be stored. */
  waiting: number;
};

export type RevocationQueueOptions<Waiting> = {
  /** Tries to store a revocation. Never rejects. */
  store: (revocation: Waiting) => Promise<StoreOutcome>;
  /** Whether it concerns tokens that the Auth Service is known to have issued. */
  isProven: (revocation: Waiting) => boolean;
  /** Publishes names to the other replicas. Resolves to whether Redis accepted the message. Never rejects. */
  publish: (names: ReadonlyMap<string, number>) => Promise<boolean>;
  /** The queue is retried when it is ready again. */
  redis: Pick<Redis | Cluster, 'status' | 'on'>;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Milliseconds between two retries. Default 1,000. */
  retryMs?: number | undefined;
  /** Called when Redis refuses to store sign-outs, at most once a minute for each value of `isPublished`. */
  onUnstored?: ((trouble: UnstoredRevocations) => void) | undefined;
};

/** The most sign-outs of proven tokens that wait to be stored. */
const maxWaiting = 10_000;
/** The most sign-outs of tokens whose proof only Redis could confirm. */
const maxUnconfirmed = 1_000;
const reportIntervalMs = 60_000;
/** How often waiting sign-outs are published again: replicas may have started or reconnected meanwhile. */
const republishIntervalMs = 10_000;

/** Whether any token of the revocation is proven. */
export const concernsProven = ({ refs }: Pick<Revocation, 'refs'>): boolean =>
  toRefList(refs).some((ref) => ref.isProven);

/** Sign-outs that Redis has not stored, because it is unavailable or full. The queue retries them until they are stored. */
export const createRevocationQueue = <Waiting extends object>(options: RevocationQueueOptions<Waiting>) => {
  const { store, isProven, publish, redis, monotonicNow, retryMs = 1_000, onUnstored } = options;
  /** Oldest first, each with the names to publish. */
  const waiting = new Map<Waiting, ReadonlyMap<string, number>>();
  const unconfirmed = new Set<Waiting>();
  const reportedAtMs = { published: Number.NEGATIVE_INFINITY, unpublished: Number.NEGATIVE_INFINITY };
  let publishedAtMs = Number.NEGATIVE_INFINITY;
  let retryTimer: NodeJS.Timeout | null = null;
  let isRetrying = false;

  const publishAndReport = async (cause: string, names: ReadonlyMap<string, number>): Promise<void> => {
    publishedAtMs = monotonicNow();
    const isPublished = await publish(names);
    const kind = isPublished ? 'published' : 'unpublished';
    if (monotonicNow() - reportedAtMs[kind] < reportIntervalMs) return;
    reportedAtMs[kind] = monotonicNow();
    onUnstored?.({ cause, isPublished, waiting: waiting.size });
  };

  const republish = async (cause: string): Promise<void> => {
    if (monotonicNow() - publishedAtMs < republishIntervalMs) return;
    const all = new Map<string, number>();
    for (const names of waiting.values()) for (const [name, untilMs] of names) all.set(name, untilMs);
    await publishAndReport(cause, all);
  };

  const scheduleRetry = (): void => {
    if (retryTimer !== null || waiting.size + unconfirmed.size === 0) return;
    // ioredis never reconnects after `end`.
    if (redis.status === 'end') return;
    retryTimer = setTimeout(() => {
      retryTimer = null;
      void retry();
    }, retryMs);
    retryTimer.unref();
  };

  /** Stores the waiting sign-outs, oldest first, until one fails. */
  const retry = async (): Promise<void> => {
    if (isRetrying) return;
    isRetrying = true;
    for (const revocation of [...waiting.keys(), ...unconfirmed]) {
      const { isStored, errorReply } = await store(revocation);
      if (!isStored) {
        if (errorReply !== null) await republish(errorReply);
        break;
      }
      waiting.delete(revocation);
      unconfirmed.delete(revocation);
    }
    isRetrying = false;
    scheduleRetry();
  };

  redis.on('ready', () => void retry());

  return {
    /** Keeps a sign-out until it is stored. Publishes it if Redis has rejected the write. */
    async add(revocation: Waiting, names: ReadonlyMap<string, number>, errorReply: string | null): Promise<void> {
      if (names.size > 0 || isProven(revocation)) {
        if (waiting.size < maxWaiting) waiting.set(revocation, names);
      } else if (unconfirmed.size < maxUnconfirmed) unconfirmed.add(revocation);
      scheduleRetry();
      if (errorReply !== null && names.size > 0) await publishAndReport(errorReply, names);
    },
  };
};
