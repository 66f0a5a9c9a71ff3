import type { Clock } from '../clock.ts';

const baseDelayMs = 4_000;
const maxDelayMs = 30_000;
/** A connection that lived this long was a success: the next failure is the first of its kind. */
const stableAfterMs = 5_000;

/**
 * Delays between two connections of one stream: exponential back-off, three quarters of it random, so that the streams of a
 * BFF that restarts do not return at the same time.
 */
export const createReconnectDelay = ({ clock, random }: { clock: Clock; random: () => number }) => {
  let failures = 0;
  let openedAtMs: number | null = null;
  const isStable = () => openedAtMs !== null && clock.now() - openedAtMs >= stableAfterMs;
  return {
    /** Whether the connection has lasted. */
    isStable,
    onConnect(): void {
      openedAtMs = null;
    },
    onOpen(): void {
      openedAtMs = clock.now();
    },
    /** The connection was lost. Returns the milliseconds until the next. `atLeastMs`: as the server said. */
    onLost(atLeastMs: number): number {
      if (isStable()) failures = 0;
      openedAtMs = null;
      const delayMs = Math.min(maxDelayMs, baseDelayMs * 2 ** failures);
      failures += 1;
      return atLeastMs + (delayMs * (1 + 3 * random())) / 4;
    },
  };
};
