/** A value where it is known at once, and else a promise: most answers come from memory, and promises cost more than they do. */
export type MaybePromise<Value> = Value | Promise<Value>;

export const isSync = <Value>(value: MaybePromise<Value>): value is Value => !(value instanceof Promise);

/** All values in their order, without a promise where each of them is known. Rejects with the first failure. */
export const all = <Value>(values: Array<MaybePromise<Value>>): MaybePromise<Value[]> =>
  values.every(isSync) ? values : Promise.all(values.map(async (value) => value));
