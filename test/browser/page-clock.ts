import type { Clock } from '../../client/src/index.ts';

/** A clock that the test advances. While the page is hidden, timers run only at whole minutes. */
export const createPageClock = () => {
  let nowMs = 0;
  let last = 0;
  const timers = new Map<number, { atMs: number; task: () => void }>();
  const isDue = ({ atMs }: { atMs: number }) =>
    atMs <= nowMs && (document.visibilityState !== 'hidden' || nowMs % 60_000 === 0);

  const clock: Clock = {
    now: () => nowMs,
    setTimeout(task, delayMs) {
      last += 1;
      timers.set(last, { atMs: nowMs + delayMs, task });
      return last;
    },
    clearTimeout: (timer) => void timers.delete(timer as number),
  };
  return {
    clock,
    advance(ms: number): void {
      nowMs += ms;
      for (const [timer, { atMs, task }] of timers) {
        if (!isDue({ atMs })) continue;
        timers.delete(timer);
        task();
      }
    },
  };
};
