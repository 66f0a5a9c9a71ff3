import { createBoundedMap } from '../platform/bounded-map.ts';
import type { FixedWindowCounter } from './fixed-window-counter.ts';

export type MemoryFixedWindowCounterOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The most windows remembered; the least recently used is evicted first. Default 150,000. */
  maxWindows?: number;
};

/** Counts in this process only. */
export const createMemoryFixedWindowCounter = ({
  now,
  maxWindows = 150_000,
}: MemoryFixedWindowCounterOptions): FixedWindowCounter => {
  const windows = createBoundedMap<string, { count: number; startedAtMs: number; windowMs: number }>(maxWindows);
  return {
    add(name, { windowMs, by = 1 }) {
      let window = windows.get(name);
      if (window === undefined || now() - window.startedAtMs >= window.windowMs) {
        window = { count: 0, startedAtMs: now(), windowMs };
        windows.set(name, window);
      }
      // If the clock was set back, the window becomes no longer and keeps its count.
      window.startedAtMs = Math.min(window.startedAtMs, now());
      window.count += by;
      return { count: window.count, resetMs: window.startedAtMs + window.windowMs - now() };
    },
  };
};
