import { LRUCache } from 'lru-cache';

/**
 * A map of at most `max` entries; the least recently used goes first. The cache's own `max` would set aside memory for
 * all of them at once, which for some hundred thousand takes longer than all the rest of a start.
 */
export const createBoundedMap = <Key extends string | number, Value extends {}>(max: number) =>
  new LRUCache<Key, Value>({ maxSize: max, sizeCalculation: () => 1 });
