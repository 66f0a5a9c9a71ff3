import { createBoundedMap } from '../platform/bounded-map.ts';
import type { HitCounter } from './fixed-window-counter.ts';

export type MemoryHitCounterOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The most windows remembered; the least recently used goes first. Default 150,000. */
  maxWindows?: number;
};

/** Counts in this process alone. */
export const createMemoryHitCounter = ({ now, maxWindows = 150_000 }: MemoryHitCounterOptions): HitCounter => {
  const windows = createBoundedMap<string, { count: number; startedAtMs: number; windowMs: number }>(maxWindows);
  return {
    add(name, { windowMs, by = 1 }) {
      let window = windows.get(name);
      if (window === undefined || now() - window.startedAtMs >= window.windowMs) {
        window = { count: 0, startedAtMs: now(), windowMs };
        windows.set(name, window);
      }
      // A clock that was set back makes no window longer, and forgets none.
      window.startedAtMs = Math.min(window.startedAtMs, now());
      window.count += by;
      return { count: window.count, resetMs: window.startedAtMs + window.windowMs - now() };
    },
  };
};
