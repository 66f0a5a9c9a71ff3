import { LRUCache } from 'lru-cache';
import type { HitCounter } from './hit-counter.ts';

export type MemoryHitCounterOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The most windows remembered; the least recently used goes first. Default 200,000. */
  maxWindows?: number;
};

/** Counts in this process alone. */
export const createMemoryHitCounter = ({ now, maxWindows = 200_000 }: MemoryHitCounterOptions): HitCounter => {
  const windows = new LRUCache<string, { count: number; startedAtMs: number; windowMs: number }>({ max: maxWindows });
  return {
    async add(name, { windowMs, by = 1 }) {
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
