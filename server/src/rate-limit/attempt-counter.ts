import type { MaybePromise } from '../platform/maybe-promise.ts';

/** The tries in a window, and the milliseconds until it ends. */
export type Tries = { count: number; resetMs: number };

export type ReserveOptions = {
  /** The most tries in one window. Default: no limit. */
  max?: number;
  windowMs: number;
  /**
   * Which tries restart the window, so that it ends `windowMs` after the last of them. `any` includes tries that are not
   * counted because the window is full. Default `none`: the window ends `windowMs` after its first try.
   */
  restartOn?: 'none' | 'counted' | 'any';
};

/** A try that was counted before its outcome is known. */
export type Reservation = Tries & {
  /** False: the window is full, and this try was not counted. */
  isCounted: boolean;
  /** Takes this try out of the window that counted it. Does nothing once that window has ended. Never throws. */
  release: () => MaybePromise<void>;
};

/** Counts tries in windows. The first try of a name begins its window. */
export type TryCounter = {
  /** Counts one more try unless the window is full, in one atomic step. Never throws. */
  reserve: (name: string, options: ReserveOptions) => MaybePromise<Reservation>;
  /** Reads the window of a name: `{ count: 0, resetMs: 0 }` if there is none. Never throws. */
  look: (name: string) => MaybePromise<Tries>;
};
