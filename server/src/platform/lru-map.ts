/** A map of at most `max` entries; the least recently used is evicted first. */
export type LruMap<Key, Value> = {
  /** Also marks the entry as the most recently used. */
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
  delete(key: Key): void;
};

/** Without a library, because the middleware for other backends contains it. A Map keeps the order of insertion. */
export const createLruMap = <Key, Value extends {}>(max: number): LruMap<Key, Value> => {
  const entries = new Map<Key, Value>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size <= max) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        break;
      }
    },
    delete: (key) => void entries.delete(key),
  };
};
