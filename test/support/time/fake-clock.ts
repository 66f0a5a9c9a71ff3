import type { Clock } from '../../../client/src/index.ts';

/** Waits for pending work that needs no timer of the clock: tRPC batches, in-process responses, and their handlers. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => void setTimeout(resolve, 0));
    for (let reaction = 0; reaction < 4; reaction += 1) await new Promise((resolve) => void setImmediate(resolve));
  }
};

/** A clock that only the test advances. It runs due timers in order. */
export const createFakeClock = () => {
  // Not at 0, so that nothing takes it for "never".
  let nowMs = 1_000_000;
  let lastTimer = 0;
  const timers = new Map<number, { atMs: number; task: () => void }>();

  const clock: Clock = {
    now: () => nowMs,
    setTimeout(task, delayMs) {
      // As browsers do: a wait that is too long for 31 bits is none.
      const waitMs = delayMs >= 2 ** 31 || !(delayMs > 0) ? 0 : delayMs;
      lastTimer += 1;
      timers.set(lastTimer, { atMs: nowMs + waitMs, task });
      return lastTimer;
    },
    clearTimeout: (timer) => void timers.delete(timer as number),
  };

  const takeDue = (untilMs: number) => {
    const due = [...timers].filter(([, { atMs }]) => atMs <= untilMs);
    const [first] = due.toSorted(([a, { atMs: aMs }], [b, { atMs: bMs }]) => aMs - bMs || a - b);
    if (first !== undefined) timers.delete(first[0]);
    return first?.[1];
  };

  return {
    ...clock,
    /** Timers that wait. */
    pending: () => timers.size,
    /** Advances the clock. Each timer runs at its time, and its effects settle before the next. Stops early if `isEnough`. */
    async advance(ms: number, isEnough = () => false): Promise<void> {
      const untilMs = nowMs + ms;
      await settle();
      for (let due = takeDue(untilMs); due !== undefined; due = takeDue(untilMs)) {
        nowMs = Math.max(nowMs, due.atMs);
        due.task();
        await settle();
        if (isEnough()) return;
      }
      nowMs = untilMs;
    },
    /** Time passes and no timer runs, as on a laptop that sleeps: those that are due run with the next `advance`. */
    sleep: (ms: number): void => {
      nowMs += ms;
    },
  };
};
