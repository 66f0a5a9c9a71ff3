import { type StartTimer, startSystemTimer } from '../platform/start-timer.ts';

export type SweepOptions = {
  everyMs: number;
  /** Default `setTimeout`. */
  startTimer?: StartTimer | undefined;
};

/**
 * Runs all added tasks at one interval, which is cheaper than timers of thousands of streams. Without tasks, no timer runs.
 */
export const createSweep = ({ everyMs, startTimer = startSystemTimer }: SweepOptions) => {
  const tasks = new Set<() => void>();
  let cancelTimer: (() => void) | null = null;

  const schedule = (): void => {
    cancelTimer = startTimer(() => {
      cancelTimer = null;
      for (const task of tasks) task();
      if (tasks.size > 0 && cancelTimer === null) schedule();
    }, everyMs);
  };

  return {
    /** Runs the task at each interval, until the returned function is called. */
    add(task: () => void): () => void {
      tasks.add(task);
      if (cancelTimer === null) schedule();
      return () => {
        tasks.delete(task);
        if (tasks.size > 0) return;
        cancelTimer?.();
        cancelTimer = null;
      };
    },
  };
};

export type Sweep = ReturnType<typeof createSweep>;
