/** Time, as the client needs it: a clock that only goes forward, and timers. */
export type Clock = {
  /** Milliseconds from any fixed point. Never the time of day, which people and laptops set. */
  now: () => number;
  setTimeout: (task: () => void, delayMs: number) => unknown;
  clearTimeout: (timer: unknown) => void;
};

export const systemClock: Clock = {
  // Old engines of React Native have no `performance`.
  now: () => (typeof performance === 'undefined' ? Date.now() : performance.now()),
  setTimeout: (task, delayMs) => setTimeout(task, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
