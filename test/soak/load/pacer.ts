import { setTimeout as delay } from 'node:timers/promises';

export type PacerOptions = {
  /** Milliseconds of a clock that only goes forward. */
  monotonicNow: () => number;
  /** Whether the machine cannot keep up just now. Time stands still for the load then. */
  isStarved: () => boolean;
  /** Milliseconds for which the load may stand still in all. */
  maxHeldMs: number;
};

/** The most milliseconds by which the load goes on at once, however late the process was: what it missed is no burst. */
const maxStepMs = 50;
/** Milliseconds between two looks at the time. */
const pollIntervalMs = 10;

/**
 * The time of the load. It goes on with the monotonicNow, but for the time in which the machine cannot keep up: so a busy machine
 * makes a run longer, and the calls a second fewer, and does not change what happens in it.
 */
export const createPacer = ({ monotonicNow, isStarved, maxHeldMs }: PacerOptions) => {
  let passedLoadMs = 0;
  let lastMs = monotonicNow();
  let heldMs = 0;

  /** Throws if the machine is busy for too long. */
  const isBefore = (atMs: number): boolean => {
    if (heldMs <= maxHeldMs) return passedLoadMs < atMs;
    throw new Error(
      `The machine is too busy: the load stood still for ${(heldMs / 1_000).toFixed(0)} s. Lower it with --rate, or end what else runs.`,
    );
  };

  return {
    /** Lets time go on. Called every few milliseconds. */
    step(): void {
      const nowMs = monotonicNow();
      const passedMs = nowMs - lastMs;
      const stepMs = isStarved() ? 0 : Math.min(passedMs, maxStepMs);
      lastMs = nowMs;
      passedLoadMs += stepMs;
      heldMs += passedMs - stepMs;
    },
    /** Milliseconds of load so far. */
    loadMs: () => passedLoadMs,
    /** Milliseconds for which the load stood still. */
    heldMs: () => heldMs,
    /** Resolves once there have been so many milliseconds of load. Rejects if the machine is busy for too long. */
    async untilLoadMs(atMs: number): Promise<void> {
      while (isBefore(atMs)) await delay(pollIntervalMs);
    },
  };
};

export type Pacer = ReturnType<typeof createPacer>;
