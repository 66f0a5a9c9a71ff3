import { createBoundedMap } from '../platform/bounded-map.ts';

export type PerCallerKeysOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
};

const lifetimeMs = 60_000;
const maxKeys = 10_000;

/**
 * Keys that the Auth Service denied to some caller. For a minute, each caller loads such a key with their own token, and
 * the cache is bypassed.
 */
export const createPerCallerKeys = <Key extends string | number>({ now }: PerCallerKeysOptions) => {
  const untilMs = createBoundedMap<Key, number>(maxKeys);
  return {
    add: (key: Key): void => void untilMs.set(key, now() + lifetimeMs),
    has(key: Key): boolean {
      const until = untilMs.get(key);
      return until !== undefined && now() < until;
    },
  };
};

export type PerCallerKeys<Key extends string | number> = ReturnType<typeof createPerCallerKeys<Key>>;
