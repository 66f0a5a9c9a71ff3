import type { MaybePromise } from '../platform/maybe-promise.ts';
import { AppError } from '../errors.ts';
import type { Reservation, Tries } from './attempt-counter.ts';

/** Reservations that were made together. */
export type Reserved = { release: () => Promise<void> };

export const rateLimited = ({ resetMs }: Tries): AppError =>
  new AppError('rate_limited', { retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) });

/**
 * Makes one reservation after the other: all of them or none. Throws `rate_limited`, with the seconds until the window
 * ends, at the first window that is full.
 */
export const reserveAll = async (steps: ReadonlyArray<() => MaybePromise<Reservation>>): Promise<Reserved> => {
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
