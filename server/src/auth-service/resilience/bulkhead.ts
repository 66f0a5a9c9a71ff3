import { createFairQueue } from '../../platform/fair-queue.ts';
import { onAbort } from '../../platform/on-abort.ts';

export type BulkheadOptions = {
  /** Concurrent tasks. Default: unlimited. */
  limit?: number;
  /** Concurrent tasks of one source. Default: `limit`. */
  limitPerSource?: number;
  /** Queued tasks. Default: unlimited. */
  maxQueued?: number;
};

export type QueueEvents = {
  /** The task is queued because no slot is free for its source. */
  onQueued?: (() => void) | undefined;
  /** The task has a slot, after a wait or immediately. */
  onAdmitted?: (() => void) | undefined;
};

export type SlotOptions = QueueEvents & {
  /** The source whose share the task uses. */
  source: string;
  /** Ends the wait, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
};

/** The queue has no room for another task of this source. */
export class BulkheadFull extends Error {}

/**
 * Runs at most `limit` tasks at once and gives each source a fair share. Free slots go round-robin to the sources that
 * wait, not to the oldest task.
 *
 * A source gets a slot only if it then leaves at least as many free slots as it held before. The same rule applies to
 * the queue. So n greedy sources settle at a share of 1/(n + 1) each and leave the same share for a newcomer. This
 * matters because slots cannot be revoked and slow tasks hold them for seconds.
 */
export const createBulkhead = ({
  limit = Number.POSITIVE_INFINITY,
  limitPerSource = limit,
  maxQueued = Number.POSITIVE_INFINITY,
}: BulkheadOptions) => {
  const queue = createFairQueue<() => void>();
  const heldBySource = new Map<string, number>();
  let held = 0;

  const hasSlot = (source: string): boolean => (heldBySource.get(source) ?? 0) < Math.min(limitPerSource, limit - held);
  const hasQueueSpace = (source: string): boolean => queue.sizeOf(source) < maxQueued - queue.size();

  const hold = (source: string): void => {
    held += 1;
    heldBySource.set(source, (heldBySource.get(source) ?? 0) + 1);
  };
  const release = (source: string): void => {
    held -= 1;
    const left = (heldBySource.get(source) ?? 0) - 1;
    if (left > 0) heldBySource.set(source, left);
    else heldBySource.delete(source);
    for (let admit = queue.take(hasSlot); admit !== undefined; admit = queue.take(hasSlot)) admit();
  };

  const acquire = ({ source, signal, onQueued, onAdmitted }: SlotOptions): Promise<void> =>
    new Promise((resolve, reject) => {
      let stopListening: (() => void) | undefined;
      const admit = () => {
        stopListening?.();
        hold(source);
        onAdmitted?.();
        resolve();
      };
      const leave = () => {
        queue.remove(source, admit);
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) return leave();
      if (hasSlot(source)) return admit();
      if (!hasQueueSpace(source)) return reject(new BulkheadFull('Too many calls are queued.'));
      if (signal !== undefined) stopListening = onAbort(signal, leave);
      queue.add(source, admit);
      onQueued?.();
    });

  return async <Result>(task: () => Promise<Result>, options: SlotOptions): Promise<Result> => {
    await acquire(options);
    try {
      return await task();
    } finally {
      release(options.source);
    }
  };
};
