import { createFairQueue } from '../../platform/fair-queue.ts';
import { onAbort } from '../../platform/on-abort.ts';

export type BulkheadOptions = {
  /** Tasks under way at once. Default: no limit. */
  limit?: number;
  /** Tasks of one source under way at once. Default: no limit. */
  limitPerSource?: number;
  /** Tasks that wait. Default: no limit. */
  maxWaiting?: number;
};

/** The events of a task that goes through a bulkhead. */
export type TurnEvents = {
  /** The task has to wait for a slot. */
  onWait?: (() => void) | undefined;
  /** The task has a slot, after a wait or without one. */
  onBegin?: (() => void) | undefined;
};

export type TurnOptions = TurnEvents & {
  /** Whose share the task takes. */
  source: string;
  /** Ends the wait, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
};

/** The source has no place left to wait in. */
export class BulkheadFull extends Error {}

/**
 * Runs at most `limit` tasks at once and gives each source a fair share of the slots. Free slots go round-robin to the
 * sources that wait, not to the oldest task.
 *
 * A source gets no slot that would leave fewer free ones than it holds already, and likewise with places to wait in: n
 * sources that want everything settle at a share of 1/(n + 1) each, and leave as much for a newcomer. Slots cannot be
 * taken back, and a slow task keeps its own for seconds.
 */
export const createBulkhead = ({
  limit = Number.POSITIVE_INFINITY,
  limitPerSource = limit,
  maxWaiting = Number.POSITIVE_INFINITY,
}: BulkheadOptions) => {
  const waiting = createFairQueue<() => void>();
  const heldBy = new Map<string, number>();
  let held = 0;

  const hasSlot = (source: string): boolean => (heldBy.get(source) ?? 0) < Math.min(limitPerSource, limit - held);
  const hasPlace = (source: string): boolean => waiting.sizeOf(source) < maxWaiting - waiting.size();

  const hold = (source: string): void => {
    held += 1;
    heldBy.set(source, (heldBy.get(source) ?? 0) + 1);
  };
  const release = (source: string): void => {
    held -= 1;
    const left = (heldBy.get(source) ?? 0) - 1;
    if (left > 0) heldBy.set(source, left);
    else heldBy.delete(source);
    for (let begin = waiting.take(hasSlot); begin !== undefined; begin = waiting.take(hasSlot)) begin();
  };

  const turn = ({ source, signal, onWait, onBegin }: TurnOptions): Promise<void> =>
    new Promise((resolve, reject) => {
      let stopListening: (() => void) | undefined;
      const begin = () => {
        stopListening?.();
        hold(source);
        onBegin?.();
        resolve();
      };
      const leave = () => {
        waiting.remove(source, begin);
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) return leave();
      if (hasSlot(source)) return begin();
      if (!hasPlace(source)) return reject(new BulkheadFull('Too many calls wait already.'));
      if (signal !== undefined) stopListening = onAbort(signal, leave);
      waiting.add(source, begin);
      onWait?.();
    });

  return async <Result>(task: () => Promise<Result>, turnOptions: TurnOptions): Promise<Result> => {
    await turn(turnOptions);
    try {
      return await task();
    } finally {
      release(turnOptions.source);
    }
  };
};
