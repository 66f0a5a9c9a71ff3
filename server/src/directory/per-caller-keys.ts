import { createBoundedMap } from '../platform/bounded-map.ts';

export type UnsharedOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
};

const unsharedForMs = 60_000;
const maxKeys = 10_000;

/** What somebody was denied: for a minute each person asks for it with their own token alone, and nobody is answered from memory. */
export const createUnshared = <Key extends string | number>({ now }: UnsharedOptions) => {
  const untilMs = createBoundedMap<Key, number>(maxKeys);
  return {
    deny: (key: Key): void => void untilMs.set(key, now() + unsharedForMs),
    isShared(key: Key): boolean {
      const until = untilMs.get(key);
      return until === undefined || now() >= until;
    },
  };
};

export type Unshared<Key extends string | number> = ReturnType<typeof createUnshared<Key>>;
