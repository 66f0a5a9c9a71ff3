import { AppError } from '../errors.ts';
import type { MaybePromise } from '../platform/maybe-promise.ts';

/** The attempts in a window, and the milliseconds until it ends. */
export type AttemptCount = { count: number; resetMs: number };

export type ReserveOptions = {
  /** The most attempts in one window. Default: no limit. */
  max?: number;
  windowMs: number;
  /**
   * Which attempts restart the window, so that it ends `windowMs` after the last of them. `any` includes attempts that are
   * not counted because the window is full. Default `none`: the window ends `windowMs` after its first attempt.
   */
  restartOn?: 'none' | 'counted' | 'any';
};

/** An attempt that is counted before its outcome is known. */
export type Reservation = AttemptCount & {
  /** False: the window is full, and this attempt was not counted. */
  isCounted: boolean;
  /** Removes this attempt from its window. Does nothing once that window has ended. Never throws. */
  release: () => MaybePromise<void>;
};

/** Counts attempts in windows. The first attempt for a name begins its window. */
export type AttemptCounter = {
  /** Counts one more attempt unless the window is full, in one atomic step. Never throws. */
  reserve: (name: string, options: ReserveOptions) => MaybePromise<Reservation>;
  /** Reads the window of a name: `{ count: 0, resetMs: 0 }` if there is none. Never throws. */
  read: (name: string) => MaybePromise<AttemptCount>;
};

/** Several reservations of one attempt. */
export type ReservedAttempt = { release: () => Promise<void> };

export const rateLimited = ({ resetMs }: AttemptCount): AppError =>
  new AppError('rate_limited', { retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) });

/**
 * Makes several reservations in sequence: all or none. Throws `rate_limited` at the first full window, with the seconds
 * until it ends.
 */
export const reserveAll = async (steps: ReadonlyArray<() => MaybePromise<Reservation>>): Promise<ReservedAttempt> => {
  const made: Reservation[] = [];
  const release = async () => void (await Promise.all(made.map(async (reservation) => reservation.release())));
  for (const step of steps) {
    const reservation = await step();
    if (!reservation.isCounted) {
      await release();
      throw rateLimited(reservation);
    }
    made.push(reservation);
  }
  return { release };
};
