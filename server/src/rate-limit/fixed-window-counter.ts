import type { MaybePromise } from '../platform/maybe-promise.ts';

/** The count in the current window, and the milliseconds until it ends. */
export type WindowCount = { count: number; resetMs: number };

/** Counts in fixed windows. The first addition begins a window. */
export type FixedWindowCounter = {
  /** Adds `by` (default 1) and returns the new count. Never throws. */
  add: (name: string, options: { windowMs: number; by?: number }) => MaybePromise<WindowCount>;
};
