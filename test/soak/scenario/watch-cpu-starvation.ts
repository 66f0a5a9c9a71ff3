import { setTimeout as delay } from 'node:timers/promises';

export type WatchCpuStarvationOptions = {
  /** The replicas that run just now. */
  urls: () => string[];
  /** Milliseconds of a clock that only goes forward. */
  monotonicNow: () => number;
  onChange: (isStarved: boolean) => void;
};

/** Milliseconds that a replica may take to say that it lives, which is no work. */
const slowMs = 200;
/** Milliseconds between two looks. */
const everyMs = 250;

/** Looks whether all processes get the CPU that they need, by how long the replicas take to answer `/health/live`. */
export const watchCpuStarvation = ({ urls, monotonicNow, onChange }: WatchCpuStarvationOptions) => {
  const asked = new Map<string, number>();
  let isStarved = false;
  const over = new AbortController();

  const update = (slowest: number) => {
    const isSlow = slowest > slowMs;
    if (isSlow === isStarved) return;
    isStarved = isSlow;
    onChange(isStarved);
  };
  const look = async (url: string): Promise<number> => {
    const startedAtMs = monotonicNow();
    asked.set(url, startedAtMs);
    // A replica that is killed meanwhile is not slow.
    const answer = await fetch(`${url}/health/live`).catch(() => null);
    await answer?.arrayBuffer().catch(() => null);
    asked.delete(url);
    return answer === null ? 0 : monotonicNow() - startedAtMs;
  };
  const lookAll = async (): Promise<void> => {
    while (!over.signal.aborted) {
      update(Math.max(0, ...(await Promise.all(urls().map(look)))));
      await delay(everyMs);
    }
  };
  const looking = lookAll();
  /** An answer that is still to come says so, too. */
  const waiting = setInterval(() => {
    const waitedMs = Math.max(0, ...[...asked.values()].map((startedAtMs) => monotonicNow() - startedAtMs));
    if (waitedMs > slowMs) update(waitedMs);
  }, 50);

  return {
    isStarved: () => isStarved,
    async [Symbol.asyncDispose]() {
      over.abort();
      clearInterval(waiting);
      await looking;
    },
  };
};
