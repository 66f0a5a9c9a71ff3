import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { onAbort } from '../../../server/src/platform/on-abort.ts';

it('calls each listener once when the signal aborts, and none that has stopped', () => {
  const controller = new AbortController();
  const called: number[] = [];
  const stops = [1, 2, 3].map((number) => onAbort(controller.signal, () => called.push(number)));
  stops[1]?.();
  controller.abort();
  controller.abort();
  expect(called).toEqual([1, 3]);
});

it('adds one listener to a signal, however many listen, and removes it with the last of them', () => {
  const { signal } = new AbortController();
  const stops = Array.from({ length: 10_000 }, () => onAbort(signal, () => {}));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  for (const stop of stops.slice(1)) stop();
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  stops[0]?.();
  stops[0]?.();
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

it('listens again after all have stopped, and also while the signal aborts', () => {
  const controller = new AbortController();
  const called: string[] = [];
  onAbort(controller.signal, () => called.push('stopped'))();
  const stop = onAbort(controller.signal, () => {
    called.push('first');
    stop();
  });
  onAbort(controller.signal, () => called.push('second'));
  controller.abort();
  expect(called).toEqual(['first', 'second']);
});
