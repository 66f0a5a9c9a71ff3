/** A map of at most `max` entries (2 or more), which keeps at least the half of them that was used most recently. */
export type LruMap<Key, Value> = {
  /** Counts as a use. */
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
  delete(key: Key): void;
};

/**
 * Without a library, because the middleware for other backends contains it. In two generations: moving an entry at each use
 * to the end of one Map would make V8 build its table again and again.
 */
export const createLruMap = <Key, Value extends {}>(max: number): LruMap<Key, Value> => {
  const generation = Math.floor(max / 2);
  let recent = new Map<Key, Value>();
  let earlier = new Map<Key, Value>();

  const set = (key: Key, value: Value): void => {
    if (recent.size >= generation && !recent.has(key)) {
      earlier = recent;
      recent = new Map();
    }
    recent.set(key, value);
  };

  return {
    set,
    get(key) {
      const value = recent.get(key);
      if (value !== undefined) return value;
      const used = earlier.get(key);
      if (used !== undefined) set(key, used);
      return used;
    },
    delete(key) {
      recent.delete(key);
      earlier.delete(key);
    },
  };
};
