import { onAbort } from '../platform/on-abort.ts';
import type { StartTimer } from '../platform/start-timer.ts';
import type { AssignmentStore, Rotation, StoredTurn } from './assignment-store.ts';
import { compareTurnIds, firstTurnId } from './turn-ids.ts';

export type RotationReaderOptions = {
  store: Pick<AssignmentStore, 'history' | 'historyAfter' | 'watch'>;
  rotation: Rotation;
  startTimer: StartTimer;
};

/** Milliseconds between two reads without news, because a message between replicas may be lost. */
const readEveryMs = 15_000;
const entriesPerRead = 100;
/** The newest entries that subscribers get without a read of their own. */
const maxRecent = 200;

/** Reads the new entries of one rotation once for all subscribers in this process. */
export const createRotationReader = ({ store, rotation, startTimer }: RotationReaderOptions) => {
  /** All entries after `recentFrom` up to the last read. Null: no read has succeeded. */
  let recent: StoredTurn[] = [];
  let recentFrom: string | null = null;
  let version = 0;
  let isReading = false;
  let isNewsDue = false;
  let isClosed = false;
  let stopTimer = () => {};
  const waiting = new Set<() => void>();

  const lastId = async (): Promise<string> => (await store.history(rotation, 1))[0]?.id ?? firstTurnId;

  const readOnce = async (): Promise<void> => {
    if (recentFrom === null) {
      recentFrom = await lastId();
      return;
    }
    for (;;) {
      const after = recent.at(-1)?.id ?? recentFrom;
      const entries = await store.historyAfter(rotation, after, entriesPerRead);
      recent.push(...entries);
      const surplus = recent.length - maxRecent;
      if (surplus > 0) recentFrom = recent.splice(0, surplus).at(-1)?.id ?? recentFrom;
      if (entries.length < entriesPerRead) return;
    }
  };

  const wake = (): void => {
    version += 1;
    for (const resume of waiting) resume();
  };

  const mustRead = (): boolean => isNewsDue && !isClosed;

  const read = async (): Promise<void> => {
    isNewsDue = true;
    if (isReading) return;
    isReading = true;
    while (mustRead()) {
      isNewsDue = false;
      // A failed read is repeated with the next news, when the connection is back, and by the timer.
      await readOnce().then(wake, () => {});
    }
    isReading = false;
  };

  const readLater = (): void => {
    if (isClosed) return;
    stopTimer = startTimer(() => void read().then(readLater), readEveryMs);
  };

  const stopWatching = store.watch(rotation, () => void read());
  void read();
  readLater();

  return {
    /** Changes with each successful read. */
    get version(): number {
      return version;
    },

    /** The id of the newest entry. Rejects if the store is down. */
    lastId,

    /** The entries after an id, oldest first. Rejects if they have to be read and the store is down. */
    async after(id: string): Promise<StoredTurn[]> {
      const isRecent = recentFrom !== null && compareTurnIds(id, recentFrom) >= 0;
      if (!isRecent) return store.historyAfter(rotation, id, entriesPerRead);
      return recent.slice(recent.findLastIndex((stored) => compareTurnIds(stored.id, id) <= 0) + 1);
    },

    /** Resolves after the next successful read since `seen`, or when the signal aborts. */
    waitForNews: (seen: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        if (version !== seen || signal.aborted) return resolve();
        const resume = (): void => {
          waiting.delete(resume);
          stopListening();
          resolve();
        };
        waiting.add(resume);
        const stopListening = onAbort(signal, resume);
      }),

    close(): void {
      isClosed = true;
      stopWatching();
      stopTimer();
    },
  };
};

export type RotationReader = ReturnType<typeof createRotationReader>;
