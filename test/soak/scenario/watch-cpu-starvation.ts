import { setTimeout as delay } from 'node:timers/promises';

export type WatchMachineOptions = {
  /** The replicas that run just now. */
  urls: () => string[];
  /** Milliseconds of a clock that only goes forward. */
  clock: () => number;
  onChange: (isBusy: boolean) => void;
};

/** Milliseconds that a replica may take to say that it lives, which is no work. */
const slowMs = 200;
/** Milliseconds between two looks. */
const everyMs = 250;

/** Looks whether all processes get the CPU that they need, by how long the replicas take to answer `/health/live`. */
export const watchMachine = ({ urls, clock, onChange }: WatchMachineOptions) => {
  const asked = new Map<string, number>();
  let isBusy = false;
  const over = new AbortController();

  const update = (slowest: number) => {
    const isSlow = slowest > slowMs;
    if (isSlow === isBusy) return;
    isBusy = isSlow;
    onChange(isBusy);
  };
  const look = async (url: string): Promise<number> => {
    const startedAtMs = clock();
    asked.set(url, startedAtMs);
    // A replica that is killed meanwhile is not slow.
    const answer = await fetch(`${url}/health/live`).catch(() => null);
    await answer?.arrayBuffer().catch(() => null);
    asked.delete(url);
    return answer === null ? 0 : clock() - startedAtMs;
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
    const waitedMs = Math.max(0, ...[...asked.values()].map((startedAtMs) => clock() - startedAtMs));
    if (waitedMs > slowMs) update(waitedMs);
  }, 50);

  return {
    isBusy: () => isBusy,
    async [Symbol.asyncDispose]() {
      over.abort();
      clearInterval(waiting);
      await looking;
    },
  };
};
