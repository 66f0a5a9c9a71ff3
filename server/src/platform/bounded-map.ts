import { LRUCache } from 'lru-cache';

/**
 * An LRU map of at most `max` entries. It uses `maxSize` because `max` allocates memory for all entries up front, which for
 * some 100,000 entries takes longer than the rest of the start-up.
 */
export const createBoundedMap = <Key extends string | number, Value extends {}>(max: number) =>
  new LRUCache<Key, Value>({ maxSize: max, sizeCalculation: () => 1 });
