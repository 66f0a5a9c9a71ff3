import type { Clock } from '../../../client/src/index.ts';

const minuteMs = 60_000;

/**
 * The clock of a tab whose timers run once a minute while it is hidden, as Chromium's do after five minutes: a timer
 * that is due waits for the next whole minute.
 */
export const createThrottledClock = (clock: Clock, isHidden: () => boolean): Clock => {
  const current = new Map<number, unknown>();
  let last = 0;
  return {
    now: clock.now,
    setTimeout(task, delayMs) {
      last += 1;
      const timer = last;
      const run = () => {
        const lateMs = (minuteMs - (clock.now() % minuteMs)) % minuteMs;
        if (isHidden() && lateMs > 0) {
          current.set(timer, clock.setTimeout(run, lateMs));
          return;
        }
        current.delete(timer);
        task();
      };
      current.set(timer, clock.setTimeout(run, delayMs));
      return timer;
    },
    clearTimeout(timer) {
      clock.clearTimeout(current.get(timer as number));
      current.delete(timer as number);
    },
  };
};
