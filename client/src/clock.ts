/** A monotonic clock and timers. */
export type Clock = {
  /** Monotonic milliseconds from any fixed point. Not the time of day, which can be set back. */
  now: () => number;
  setTimeout: (task: () => void, delayMs: number) => unknown;
  clearTimeout: (timer: unknown) => void;
};

export const systemClock: Clock = {
  // Old React Native engines lack `performance`.
  now: () => (typeof performance === 'undefined' ? Date.now() : performance.now()),
  setTimeout: (task, delayMs) => setTimeout(task, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
