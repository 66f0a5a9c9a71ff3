/** A value where it is known at once, and else a promise: most answers come from memory, and promises cost more than they do. */
export type Awaitable<Value> = Value | Promise<Value>;

export const isKnown = <Value>(value: Awaitable<Value>): value is Value => !(value instanceof Promise);
