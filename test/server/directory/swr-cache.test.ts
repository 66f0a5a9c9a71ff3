import { expect, it } from 'vitest';
import { createSwrCache } from '../../../server/src/directory/swr-cache.ts';

it('the SWR cache revalidates a stale value once for concurrent lookups, and again after that', async () => {
  let nowMs = 0;
  const cache = createSwrCache<string>({
    freshSeconds: 1,
    staleSeconds: 60,
    staleOnErrorSeconds: 60,
    maxEntries: 10,
    now: () => nowMs,
  });
  let revalidations = 0;
  let settle = (): void => {};
  const revalidate = () => {
    revalidations += 1;
    return new Promise<string>((_resolve, reject) => {
      settle = () => reject(new Error('refused'));
    });
  };
  const lookup = { load: () => {}, revalidate, onStale: () => {} };
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      cache.load('one', lookup, { resolve, reject });
    });
  cache.store('one', 'known');
  nowMs = 2_000;
  expect(await Promise.all(Array.from({ length: 100 }, ask))).toEqual(Array<string>(100).fill('known'));
  expect(revalidations).toBe(1);
  settle();
  await new Promise(setImmediate);
  await ask();
  expect(revalidations).toBe(2);
});
