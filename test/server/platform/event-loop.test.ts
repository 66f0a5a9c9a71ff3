import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createEventLoop } from '../../../server/src/platform/event-loop.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A loop whose looks come late by so much. */
const startLoop = () => {
  let nowMs = 0;
  const changes: unknown[] = [];
  const loop = createEventLoop({
    maxLagMs: 500,
    everyMs: 100,
    monotonicNow: () => nowMs,
    onChange: (change) => changes.push(change),
  });
  return {
    loop,
    changes,
    look(lagMs: number) {
      nowMs += 100 + lagMs;
      vi.advanceTimersByTime(100);
      return loop.isBehind();
    },
  };
};

it('is behind once three looks in a row are late, until one is on time', () => {
  const { look, changes } = startLoop();
  expect([600, 600, 501, 2_000, 500, 600].map(look)).toEqual([false, false, true, true, false, false]);
  expect(changes).toEqual([
    { isBehind: true, lagMs: 501 },
    { isBehind: false, lagMs: 500 },
  ]);
});

it('is not behind for a pause, however long, nor for a clock that was set back', () => {
  const { look } = startLoop();
  expect([60_000, 0, 9_000, 9_000, 100, -5_000, 9_000].some(look)).toBe(false);
});

it('looks no more once it is closed', () => {
  const { loop } = startLoop();
  loop.close();
  expect(vi.getTimerCount()).toBe(0);
});
