/** A value where it is known at once, and else a promise: most answers come from memory, and promises cost more than they do. */
export type Awaitable<Value> = Value | Promise<Value>;

export const isKnown = <Value>(value: Awaitable<Value>): value is Value => !(value instanceof Promise);

/** All values in their order, without a promise where each of them is known. Rejects with the first failure. */
export const all = <Value>(values: Array<Awaitable<Value>>): Awaitable<Value[]> =>
  values.every(isKnown) ? values : Promise.all(values.map(async (value) => value));
