/**
 * A queue that serves its sources round-robin: each source's own items leave in order, and a source that added many
 * items delays the others no more than a source that added one.
 */
export const createFairQueue = <Item>() => {
  /** The source that is next in the round comes first. */
  const itemsOf = new Map<string, Set<Item>>();
  let size = 0;

  const remove = (source: string, item: Item): void => {
    const items = itemsOf.get(source);
    if (items?.delete(item) !== true) return;
    size -= 1;
    if (items.size === 0) itemsOf.delete(source);
  };

  return {
    /** Each item once. */
    add(source: string, item: Item): void {
      const items = itemsOf.get(source);
      if (items === undefined) itemsOf.set(source, new Set([item]));
      else items.add(item);
      size += 1;
    },
    remove,
    /**
     * Removes the first item of the next source in the round that `isAdmitted`. A source that was passed over keeps its
     * place in the round. Undefined: no source with an item is admitted.
     */
    take(isAdmitted: (source: string) => boolean = () => true): Item | undefined {
      for (const [source, items] of itemsOf) {
        if (!isAdmitted(source)) continue;
        const [item] = items;
        if (item === undefined) continue;
        remove(source, item);
        // To the end of the round.
        if (itemsOf.delete(source)) itemsOf.set(source, items);
        return item;
      }
      return undefined;
    },
    size: (): number => size,
    sizeOf: (source: string): number => itemsOf.get(source)?.size ?? 0,
  };
};

export type FairQueue<Item> = ReturnType<typeof createFairQueue<Item>>;
