import { setTimeout as delay } from 'node:timers/promises';

export type WatchCpuStarvationOptions = {
  /** URLs of the running replicas. */
  urls: () => string[];
  /** Milliseconds. */
  monotonicNow: () => number;
  onChange: (isStarved: boolean) => void;
};

/** Maximum milliseconds for a replica to answer `/health/live`, which needs almost no work. */
const slowMs = 200;
/** Milliseconds between two probes. */
const probeIntervalMs = 250;

/** Detects CPU starvation by the response time of `/health/live` of the replicas. */
export const watchCpuStarvation = ({ urls, monotonicNow, onChange }: WatchCpuStarvationOptions) => {
  const pending = new Map<string, number>();
  let isStarved = false;
  const closing = new AbortController();

  const update = (slowest: number) => {
    const isSlow = slowest > slowMs;
    if (isSlow === isStarved) return;
    isStarved = isSlow;
    onChange(isStarved);
  };
  const probe = async (url: string): Promise<number> => {
    const startedAtMs = monotonicNow();
    pending.set(url, startedAtMs);
    // A failed request means that the replica was killed, not that it is slow.
    const answer = await fetch(`${url}/health/live`).catch(() => null);
    await answer?.arrayBuffer().catch(() => null);
    pending.delete(url);
    return answer === null ? 0 : monotonicNow() - startedAtMs;
  };
  const probeAll = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      update(Math.max(0, ...(await Promise.all(urls().map(probe)))));
      await delay(probeIntervalMs);
    }
  };
  const probing = probeAll();
  /** A slow response is detected before it arrives. */
  const pendingCheck = setInterval(() => {
    const waitedMs = Math.max(0, ...[...pending.values()].map((startedAtMs) => monotonicNow() - startedAtMs));
    if (waitedMs > slowMs) update(waitedMs);
  }, 50);

  return {
    isStarved: () => isStarved,
    async [Symbol.asyncDispose]() {
      closing.abort();
      clearInterval(pendingCheck);
      await probing;
    },
  };
};
