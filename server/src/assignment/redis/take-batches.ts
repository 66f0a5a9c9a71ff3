import type { Take } from '../assignment-store.ts';
import type { SealedGroup } from './rotation-keys.ts';
import type { Taken } from './taken.ts';

/** Calls of one script. More would hold up the other clients of Redis, and keep this process waiting. */
const maxCalls = 25;

export type TakeBatchesOptions = {
  /** Runs one script for calls in the same rotation that choose among the same people. Resolves with an outcome for each. */
  send: (group: SealedGroup, calls: readonly Take[]) => Promise<readonly Taken[]>;
  /** Writes what the function sends in one system call. */
  writeTogether: (sendAll: () => void) => void;
};

type Waiting = { resolve: (taken: Taken) => void; reject: (error: unknown) => void };
type Batch = { calls: Take[]; waiting: Waiting[] };

/**
 * Sends the takes of one turn of the event loop together: by one script for each group of people. A full batch is sent at once:
 * Redis works on it while this process makes the next one.
 */
export const createTakeBatches = ({ send, writeTogether }: TakeBatchesOptions) => {
  let batches = new Map<SealedGroup, Batch>();

  const sendBatch = (group: SealedGroup, { calls, waiting }: Batch): void => {
    send(group, calls).then(
      (taken) => {
        for (const [index, { resolve, reject }] of waiting.entries()) {
          const own = taken[index];
          if (own === undefined) reject(new Error('Redis returned fewer turns than were asked for.'));
          else resolve(own);
        }
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  };
  const sendAll = (): void => {
    const ofThisTurn = batches;
    batches = new Map();
    writeTogether(() => {
      for (const [group, batch] of ofThisTurn) sendBatch(group, batch);
    });
  };

  /** A group belongs to one rotation. */
  return (group: SealedGroup, take: Take): Promise<Taken> =>
    new Promise((resolve, reject) => {
      if (batches.size === 0) setImmediate(sendAll);
      const batch = batches.get(group) ?? { calls: [], waiting: [] };
      batches.set(group, batch);
      batch.calls.push(take);
      batch.waiting.push({ resolve, reject });
      if (batch.calls.length < maxCalls) return;
      batches.delete(group);
      sendBatch(group, batch);
    });
};
