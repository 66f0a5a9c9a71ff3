export type BulkheadOptions = {
  /** Tasks under way at once. */
  limit: number;
  /** Tasks that wait; one more is refused. Default: no limit. */
  maxWaiting?: number;
};

/** There is no room left, not even to wait. */
export class BulkheadFull extends Error {}

/**
 * At most so many tasks at once; the others wait for their turn, in order. Who waits leaves as soon as `signal`
 * aborts, and rejects with its reason.
 */
export const createBulkhead = ({ limit, maxWaiting = Number.POSITIVE_INFINITY }: BulkheadOptions) => {
  const waiting = new Set<() => void>();
  let underWay = 0;

  const turn = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(begin);
        reject(signal?.reason as Error);
      };
      const begin = () => {
        waiting.delete(begin);
        signal?.removeEventListener('abort', leave);
        underWay += 1;
        resolve();
      };
      if (signal?.aborted) return leave();
      if (underWay < limit) return begin();
      if (waiting.size >= maxWaiting) return reject(new BulkheadFull('Too many calls wait already.'));
      signal?.addEventListener('abort', leave);
      waiting.add(begin);
    });

  return async <Result>(task: () => Promise<Result>, signal?: AbortSignal): Promise<Result> => {
    await turn(signal);
    try {
      return await task();
    } finally {
      underWay -= 1;
      const [next] = waiting;
      next?.();
    }
  };
};
