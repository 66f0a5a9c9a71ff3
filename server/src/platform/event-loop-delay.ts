import type { Log } from './log.ts';

export type EventLoopMonitorOptions = {
  log: Log;
  /** Event-loop delay in milliseconds that counts as late. Default 500. */
  maxDelayMs?: number;
  /** Milliseconds between two measurements. Default 100. */
  intervalMs?: number;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
};

/** Late measurements in a row that mean overload. A single pause, such as a garbage collection, does not. */
const lateToOverload = 3;

/**
 * Measures the event-loop delay, which is how long a request waits before its handler runs. Event-loop utilization would
 * not tell: a loop that is always busy can still be on time.
 */
export const createEventLoopMonitor = (options: EventLoopMonitorOptions) => {
  const { log, maxDelayMs = 500, intervalMs = 100, monotonicNow = () => performance.now() } = options;
  let lateInARow = 0;
  let dueAtMs = monotonicNow() + intervalMs;
  const isOverloaded = (): boolean => lateInARow >= lateToOverload;

  const measure = () => {
    const delayMs = Math.round(Math.max(0, monotonicNow() - dueAtMs));
    const wasOverloaded = isOverloaded();
    lateInARow = delayMs > maxDelayMs ? lateInARow + 1 : 0;
    if (isOverloaded() && !wasOverloaded) {
      log.warn(
        { lagMs: delayMs },
        'Overloaded: the event-loop delay is too long. The BFF rejects calls with 503 until it recovers. If this repeats, add replicas.',
      );
    }
    if (!isOverloaded() && wasOverloaded) log.info({}, 'No longer overloaded.');
    dueAtMs = monotonicNow() + intervalMs;
    timer.refresh();
  };
  const timer = setTimeout(measure, intervalMs);
  timer.unref();

  return { isOverloaded, close: (): void => clearTimeout(timer) };
};
