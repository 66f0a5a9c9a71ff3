import { expect, it } from 'vitest';
import { createFreshness } from '../../../server/src/directory/swr-cache.ts';

it('loads a stale answer anew once, however many ask meanwhile, and again after that', async () => {
  let nowMs = 0;
  const known = createFreshness<string>({
    freshSeconds: 1,
    staleSeconds: 60,
    staleOnErrorSeconds: 60,
    maxEntries: 10,
    now: () => nowMs,
  });
  let reloads = 0;
  let settle = (): void => {};
  const reload = () => {
    reloads += 1;
    return new Promise<string>((_resolve, reject) => {
      settle = () => reject(new Error('refused'));
    });
  };
  const ask = async () => known.recall({ key: 'one', load: async () => 'loaded', reload, onStale: () => {} });
  known.remember('one', 'known');
  nowMs = 2_000;
  expect(await Promise.all(Array.from({ length: 100 }, ask))).toEqual(Array<string>(100).fill('known'));
  expect(reloads).toBe(1);
  settle();
  await new Promise(setImmediate);
  await ask();
  expect(reloads).toBe(2);
});
