import { expect, it } from 'vitest';
import { createLruMap } from '../../../server/src/platform/lru-map.ts';

it.each([100, 101])(
  'a map with a maximum of %i keeps the half that was used most recently, and at most the maximum',
  (max) => {
    const map = createLruMap<number, string>(max);
    for (let key = 0; key < 1_000; key += 1) {
      map.set(key, `value ${key}`);
      expect(map.get(0)).toBe('value 0');
    }
    const kept = Array.from({ length: 1_000 }, (_, key) => key).filter((key) => map.get(key) !== undefined);
    expect(kept.length).toBeLessThanOrEqual(max);
    expect(kept).toEqual(expect.arrayContaining([0, 960, 999]));
  },
);

it('a map with a maximum returns the newest value of a key, and none that was deleted', () => {
  const map = createLruMap<string, number>(4);
  for (const key of ['a', 'b', 'c']) map.set(key, 1);
  map.set('a', 2);
  expect(map.get('a')).toBe(2);
  map.delete('a');
  map.delete('b');
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([undefined, undefined, 1]);
});
