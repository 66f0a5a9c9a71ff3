import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createEventLoopMonitor } from '../../../server/src/platform/event-loop-delay.ts';
import { createLog } from '../../../server/src/platform/log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A monitor whose measurements come late by the given milliseconds. */
const startMonitor = () => {
  let nowMs = 0;
  const lines: Array<Record<string, unknown>> = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const monitor = createEventLoopMonitor({
    log: createLog({ logLevel: 'info', destination: { write } }),
    maxDelayMs: 500,
    intervalMs: 100,
    monotonicNow: () => nowMs,
  });
  return {
    monitor,
    lines,
    measure(delayMs: number) {
      nowMs += 100 + delayMs;
      vi.advanceTimersByTime(100);
      return monitor.isOverloaded();
    },
  };
};

it('The event-loop monitor reports overload after three late measurements in a row, until one is on time', () => {
  const { measure, lines } = startMonitor();
  expect([600, 600, 501, 2_000, 500, 600].map(measure)).toEqual([false, false, true, true, false, false]);
  expect(lines).toMatchObject([
    { level: 40, lagMs: 501, msg: expect.stringMatching(/^Overloaded/) },
    { level: 30, msg: 'No longer overloaded.' },
  ]);
});

it('The event-loop monitor does not report overload after a single pause or a clock that was set back', () => {
  const { measure } = startMonitor();
  expect([60_000, 0, 9_000, 9_000, 100, -5_000, 9_000].some(measure)).toBe(false);
});

it('The event-loop monitor has no timer after close', () => {
  const { monitor } = startMonitor();
  monitor.close();
  expect(vi.getTimerCount()).toBe(0);
});
