/** A seeded pseudo-random generator (mulberry32). */
export const createRandom = (seed: number) => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return {
    below,
    /** True with a probability of 1 in `n`. */
    oneIn: (count: number): boolean => below(count) === 0,
    pick: <Item>(items: readonly [Item, ...Item[]]): Item => items[below(items.length)] ?? items[0],
    list: <Item>(maxLength: number, make: () => Item): Item[] => Array.from({ length: below(maxLength + 1) }, make),
  };
};

export type Random = ReturnType<typeof createRandom>;
