import { createBoundedMap } from '../platform/bounded-map.ts';
import type { AttemptCounter } from './attempt-counter.ts';

export type MemoryAttemptCounterOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The most windows remembered; the least recently used is evicted first. Default 150,000. */
  maxWindows?: number;
};

type Window = { count: number; startedAtMs: number; windowMs: number };

/** Counts attempts in this process. Use one counter per limit, so that no limit can evict the windows of another. */
export const createMemoryAttemptCounter = ({
  now,
  maxWindows = 150_000,
}: MemoryAttemptCounterOptions): AttemptCounter => {
  const windows = createBoundedMap<string, Window>(maxWindows);

  const hasEnded = ({ startedAtMs, windowMs }: Window) => now() - startedAtMs >= windowMs;
  const resetMsOf = ({ startedAtMs, windowMs }: Window) => startedAtMs + windowMs - now();

  const currentWindow = (name: string, windowMs: number): Window => {
    const current = windows.get(name);
    if (current !== undefined && !hasEnded(current)) return current;
    const begun = { count: 0, startedAtMs: now(), windowMs };
    windows.set(name, begun);
    return begun;
  };

  return {
    reserve(name, { max = Number.POSITIVE_INFINITY, windowMs, restartOn = 'none' }) {
      const window = currentWindow(name, windowMs);
      const isCounted = window.count < max;
      if (isCounted) window.count += 1;
      const restarts = restartOn === 'any' || (restartOn === 'counted' && isCounted);
      // If the clock was set back, the window becomes no longer.
      window.startedAtMs = restarts ? now() : Math.min(window.startedAtMs, now());
      return {
        isCounted,
        count: window.count,
        resetMs: resetMsOf(window),
        release() {
          if (!isCounted || windows.get(name) !== window || hasEnded(window)) return;
          window.count -= 1;
          if (window.count === 0) windows.delete(name);
        },
      };
    },
    read(name) {
      const window = windows.get(name);
      return window === undefined || hasEnded(window)
        ? { count: 0, resetMs: 0 }
        : { count: window.count, resetMs: resetMsOf(window) };
    },
  };
};
