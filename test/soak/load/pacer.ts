import { setTimeout as delay } from 'node:timers/promises';

export type PacerOptions = {
  /** Milliseconds. */
  monotonicNow: () => number;
  /** Whether the processes lack CPU. The load time pauses while they do. */
  isStarved: () => boolean;
  /** Maximum total pause in milliseconds. */
  maxPausedMs: number;
};

/** Maximum milliseconds of load time per step. A late process skips missed calls instead of sending them in a burst. */
const maxStepMs = 50;
/** Milliseconds between two checks of the load time. */
const pollIntervalMs = 10;

/**
 * The time of the load. It follows the clock, but pauses while the processes lack CPU. A busy machine makes a run longer and
 * its rate lower, but does not change the sequence of events.
 */
export const createPacer = ({ monotonicNow, isStarved, maxPausedMs }: PacerOptions) => {
  let passedLoadMs = 0;
  let lastMs = monotonicNow();
  let pausedMs = 0;

  /** Throws if the total pause is too long. */
  const isBefore = (atMs: number): boolean => {
    if (pausedMs <= maxPausedMs) return passedLoadMs < atMs;
    throw new Error(
      `The machine is too busy: the load was paused for ${(pausedMs / 1_000).toFixed(0)} s. Use a lower --rate, or stop other processes.`,
    );
  };

  return {
    /** Advances the load time. Call it every few milliseconds. */
    step(): void {
      const nowMs = monotonicNow();
      const passedMs = nowMs - lastMs;
      const stepMs = isStarved() ? 0 : Math.min(passedMs, maxStepMs);
      lastMs = nowMs;
      passedLoadMs += stepMs;
      pausedMs += passedMs - stepMs;
    },
    /** Milliseconds of load so far. */
    loadMs: () => passedLoadMs,
    /** Total pause in milliseconds. */
    pausedMs: () => pausedMs,
    /** Resolves when the load time reaches `atMs`. Rejects if the total pause is too long. */
    async untilLoadMs(atMs: number): Promise<void> {
      while (isBefore(atMs)) await delay(pollIntervalMs);
    },
  };
};

export type Pacer = ReturnType<typeof createPacer>;
