import { expect, it } from 'vitest';
import { createFairQueue } from '../../../server/src/platform/fair-queue.ts';

/** A queue of items named after their sources: `a1`, `a2`, `b1`. */
const queueOf = (items: string) => {
  const queue = createFairQueue<string>();
  for (const item of items.split(' ')) queue.add(item.charAt(0), item);
  return queue;
};

it.each([
  ['one source, in its own order', 'a1 a2 a3', 'a1 a2 a3'],
  ['two sources, in turn, regardless of their earlier items', 'a1 a2 a3 b1 b2', 'a1 b1 a2 b2 a3'],
  ['a source that comes last, after one item of each other', 'a1 a2 b1 b2 c1', 'a1 b1 c1 a2 b2'],
])('serves %s', (_name, items, order) => {
  const queue = queueOf(items);
  const served = Array.from({ length: queue.size() }, () => queue.take());
  expect(served.join(' ')).toBe(order);
  expect([queue.take(), queue.size(), queue.sizeOf('a')]).toEqual([undefined, 0, 0]);
});

it('skips a source that is not admitted, which keeps its place in the round', () => {
  const queue = queueOf('a1 a2 b1 b2');
  expect(queue.take((source) => source === 'b')).toBe('b1');
  expect(queue.take((source) => source === 'c')).toBeUndefined();
  expect([queue.take(), queue.take()]).toEqual(['a1', 'b2']);
});

it('serves a returning source after those that waited in the meantime', () => {
  const queue = queueOf('a1 b1 c1');
  expect(queue.take()).toBe('a1');
  queue.add('a', 'a2');
  expect([queue.take(), queue.take(), queue.take()]).toEqual(['b1', 'c1', 'a2']);
});

it('drops removed items, and ignores a second removal', () => {
  const queue = queueOf('a1 a2 b1');
  for (const item of ['a1', 'a1', 'a9']) queue.remove('a', item);
  queue.remove('b', 'b1');
  expect([queue.size(), queue.sizeOf('a'), queue.sizeOf('b')]).toEqual([1, 1, 0]);
  expect([queue.take(), queue.take()]).toEqual(['a2', undefined]);
});
