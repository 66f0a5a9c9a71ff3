import type { StartTimer } from '../../server/src/optional-redis.ts';

/** Timers that fire when a test says so. None fires by itself, however busy the machine is. */
export const createTimers = () => {
  const running = new Set<() => void>();
  let fired = 0;

  const fire = (): void => {
    for (const task of running) {
      running.delete(task);
      fired += 1;
      task();
    }
  };

  return {
    start: ((task) => {
      const own = () => task();
      running.add(own);
      return () => void running.delete(own);
    }) satisfies StartTimer,
    /** Timers that were fired so far. */
    fired: () => fired,
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
