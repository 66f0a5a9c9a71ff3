import type { MaybePromise } from '../platform/maybe-promise.ts';

/** How often something has happened in its window, and when the window ends. */
export type Hits = { count: number; resetMs: number };

/** Counts in fixed windows, each of which begins with its first hit. */
export type HitCounter = {
  /** Counts `by` more (default 1) and returns the count. Never throws. */
  add: (name: string, options: { windowMs: number; by?: number }) => MaybePromise<Hits>;
};
