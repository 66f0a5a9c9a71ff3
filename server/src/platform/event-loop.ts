export type EventLoopOptions = {
  /** Milliseconds by which the process may be late. Default 500. */
  maxLagMs?: number;
  /** Milliseconds between two looks. Default 100. */
  everyMs?: number;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
  /** Told when the process falls behind, and when it has caught up. */
  onChange?: (change: { isBehind: boolean; lagMs: number }) => void;
};

/** So many looks in a row must be late: one pause, for garbage or by a busy machine, is no overload. */
const looksToFallBehind = 3;

/**
 * Watches how late timers are, which is how long a request waits before anybody looks at it. How busy the loop is
 * would say less: one that is always busy may be on time.
 */
export const createEventLoop = (options: EventLoopOptions = {}) => {
  const { maxLagMs = 500, everyMs = 100, monotonicNow = () => performance.now(), onChange } = options;
  let late = 0;
  let dueAt = monotonicNow() + everyMs;

  const look = () => {
    const lagMs = Math.round(Math.max(0, monotonicNow() - dueAt));
    const wasBehind = late >= looksToFallBehind;
    late = lagMs > maxLagMs ? late + 1 : 0;
    const isBehind = late >= looksToFallBehind;
    if (isBehind !== wasBehind) onChange?.({ isBehind, lagMs });
    dueAt = monotonicNow() + everyMs;
    timer.refresh();
  };
  const timer = setTimeout(look, everyMs);
  timer.unref();

  return {
    /** Whether the process has more to do than it can. */
    isBehind: (): boolean => late >= looksToFallBehind,
    close: (): void => clearTimeout(timer),
  };
};

export type EventLoop = ReturnType<typeof createEventLoop>;
