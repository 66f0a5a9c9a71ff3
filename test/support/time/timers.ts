import type { StartTimer } from '../../../server/src/platform/start-timer.ts';

/** A timer that fires at once, for tests in which the moment does not matter. */
export const atOnce: StartTimer = (task) => {
  const timer = setImmediate(task);
  return () => clearImmediate(timer);
};

/** Timers that fire when a test says so. None fires by itself, however busy the machine is. */
export const createTimers = () => {
  const running = new Map<() => void, number>();
  const fired: number[] = [];

  const fire = (): void => {
    for (const [task, ms] of running) {
      running.delete(task);
      fired.push(ms);
      task();
    }
  };

  return {
    start: ((task, ms) => {
      const own = () => task();
      running.set(own, ms);
      return () => void running.delete(own);
    }) satisfies StartTimer,
    /** The milliseconds of each timer that was fired so far. */
    fired: (): readonly number[] => fired,
    fire,
    /** Fires timers as they are started, until the promise is settled. */
    async fireUntil<Result>(promise: Promise<Result>): Promise<Result> {
      const firing = setInterval(fire, 5);
      try {
        return await promise;
      } finally {
        clearInterval(firing);
      }
    },
  };
};

export type Timers = ReturnType<typeof createTimers>;
