/**
 * A queue that serves its sources round-robin. The items of one source leave in order. A source with many items delays the
 * others no more than a source with one item.
 */
export const createFairQueue = <Item>() => {
  /** In round-robin order: the next source first. */
  const itemsOf = new Map<string, Set<Item>>();
  let size = 0;

  const remove = (source: string, item: Item): void => {
    const items = itemsOf.get(source);
    if (items?.delete(item) !== true) return;
    size -= 1;
    if (items.size === 0) itemsOf.delete(source);
  };

  /** The first item of the next admitted source. */
  const find = (isAdmitted: (source: string) => boolean): { source: string; item: Item } | undefined => {
    for (const [source, items] of itemsOf) {
      if (!isAdmitted(source)) continue;
      for (const item of items) return { source, item };
    }
    return undefined;
  };

  return {
    /** An item must not be added twice. */
    add(source: string, item: Item): void {
      const items = itemsOf.get(source);
      if (items === undefined) itemsOf.set(source, new Set([item]));
      else items.add(item);
      size += 1;
    },
    remove,
    /**
     * Removes and returns the first item of the next source that `isAdmitted`. Skipped sources keep their positions.
     * Undefined: no admitted source has an item.
     */
    take(isAdmitted: (source: string) => boolean = () => true): Item | undefined {
      const next = find(isAdmitted);
      if (next === undefined) return undefined;
      const { source, item } = next;
      remove(source, item);
      // Moves the source to the end of the round.
      const others = itemsOf.get(source);
      if (others !== undefined && itemsOf.delete(source)) itemsOf.set(source, others);
      return item;
    },
    /** The item that `take()` would return. */
    peek: (): Item | undefined => find(() => true)?.item,
    size: (): number => size,
    sizeOf: (source: string): number => itemsOf.get(source)?.size ?? 0,
  };
};

export type FairQueue<Item> = ReturnType<typeof createFairQueue<Item>>;
