import { type JudgedMark, type Marks, toList } from './token-refs.ts';
import type { MarkMessage } from './revocation-messages.ts';

/** What becomes of the tokens of a session. */
export type Change = {
  what: MarkMessage['what'];
  marks: Marks;
  /** Chains that this process knows the tokens to be of. */
  chainNames: readonly string[];
};

/** The tokens and chains that a change is about, and when what they name expires: milliseconds since the epoch. */
export type Names = ReadonlyMap<string, number>;

/** Why a change is not stored: `refusal` is the error reply of Redis. Null: it did not answer. */
export type StoreOutcome = { isStored: boolean; refusal: string | null };

/** Sign-outs that Redis refuses to store. */
export type UnstoredTrouble = {
  /** The error reply of Redis. */
  cause: string;
  /** Whether the other replicas were told by PUBLISH. */
  isPublished: boolean;
  /** How many sign-outs wait to be stored. */
  waiting: number;
};

export type UnstoredSignOutsOptions = {
  /** Tries to store a change. Never rejects. */
  store: (change: Change) => Promise<StoreOutcome>;
  /** Tells the other replicas of sign-outs. Returns whether Redis took the message. Never rejects. */
  publish: (names: Names) => Promise<boolean>;
  /** Whether the connection has ended for good. */
  isClosed: () => boolean;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Milliseconds between two attempts to store them. Default 1,000. */
  retryMs?: number | undefined;
  /** Told where Redis refuses to store sign-outs, once a minute at most for each value of `isPublished`. */
  onUnstored?: ((trouble: UnstoredTrouble) => void) | undefined;
};

/** The most sign-outs that wait to be stored. */
const maxWaiting = 10_000;
/** The most of those whose tokens are not proven as long as Redis cannot be asked about them. */
const maxUnsure = 1_000;
const toldEveryMs = 60_000;
/** How often those that wait are published again: replicas may have started or lost their connection meanwhile. */
const republishEveryMs = 10_000;

const isProven = (mark: JudgedMark): boolean => mark.isProven;

/** Sign-outs that Redis did not store, because it is away or full. They are tried again until it does. */
export const createUnstoredSignOuts = (options: UnstoredSignOutsOptions) => {
  const { store, publish, isClosed, monotonicNow, retryMs = 1_000, onUnstored } = options;
  /** Oldest first, with the names to publish for each. */
  const waiting = new Map<Change, Names>();
  const unsure = new Set<Change>();
  const toldAtMs = { published: Number.NEGATIVE_INFINITY, unpublished: Number.NEGATIVE_INFINITY };
  let publishedAtMs = Number.NEGATIVE_INFINITY;
  let retryTimer: NodeJS.Timeout | null = null;
  let isRetrying = false;

  const tell = async (cause: string, names: Names): Promise<void> => {
    publishedAtMs = monotonicNow();
    const isPublished = await publish(names);
    const kind = isPublished ? 'published' : 'unpublished';
    if (monotonicNow() - toldAtMs[kind] < toldEveryMs) return;
    toldAtMs[kind] = monotonicNow();
    onUnstored?.({ cause, isPublished, waiting: waiting.size });
  };

  const tellAgain = async (cause: string): Promise<void> => {
    if (monotonicNow() - publishedAtMs < republishEveryMs) return;
    const all = new Map<string, number>();
    for (const names of waiting.values()) for (const [name, untilMs] of names) all.set(name, untilMs);
    await tell(cause, all);
  };

  const scheduleRetry = (): void => {
    if (retryTimer !== null || waiting.size + unsure.size === 0 || isClosed()) return;
    retryTimer = setTimeout(() => {
      retryTimer = null;
      void retry();
    }, retryMs);
    retryTimer.unref();
  };

  /** Stores what waits, oldest first, until that fails again. */
  const retry = async (): Promise<void> => {
    if (isRetrying) return;
    isRetrying = true;
    for (const change of [...waiting.keys(), ...unsure]) {
      const { isStored, refusal } = await store(change);
      if (!isStored) {
        if (refusal !== null) await tellAgain(refusal);
        break;
      }
      waiting.delete(change);
      unsure.delete(change);
    }
    isRetrying = false;
    scheduleRetry();
  };

  return {
    /** Keeps a sign-out until it is stored, and tells the other replicas where Redis refused it. */
    async add(change: Change, names: Names, refusal: string | null): Promise<void> {
      if (names.size > 0 || toList(change.marks).some(isProven)) {
        if (waiting.size < maxWaiting) waiting.set(change, names);
      } else if (unsure.size < maxUnsure) unsure.add(change);
      scheduleRetry();
      if (refusal !== null && names.size > 0) await tell(refusal, names);
    },
    /** Tries again at once. */
    retry: (): void => void retry(),
  };
};
