/** A value, or a promise of it when I/O is needed. Most values come from memory, and a promise costs more than they do. */
export type MaybePromise<Value> = Value | Promise<Value>;

export const isSync = <Value>(value: MaybePromise<Value>): value is Value => !(value instanceof Promise);

/** `Promise.all` that stays synchronous if no value is a promise. Rejects with the first failure. */
export const all = <Value>(values: Array<MaybePromise<Value>>): MaybePromise<Value[]> =>
  values.every(isSync) ? values : Promise.all(values);

const later = <Value, Argument, Next>(
  value: Promise<Value>,
  continueWith: (value: Value, argument: Argument) => MaybePromise<Next>,
  argument: Argument,
): Promise<Next> => value.then((settled) => continueWith(settled, argument));

/**
 * `then` that stays synchronous if the value is no promise. The argument is passed on: a step that is the same function for
 * every call costs less than a closure, which each call would create.
 */
export function after<Value, Next>(
  value: MaybePromise<Value>,
  continueWith: (value: Value) => MaybePromise<Next>,
): MaybePromise<Next>;
export function after<Value, Argument, Next>(
  value: MaybePromise<Value>,
  continueWith: (value: Value, argument: Argument) => MaybePromise<Next>,
  argument: Argument,
): MaybePromise<Next>;
export function after<Value, Argument, Next>(
  value: MaybePromise<Value>,
  continueWith: (value: Value, argument?: Argument) => MaybePromise<Next>,
  argument?: Argument,
): MaybePromise<Next> {
  return isSync(value) ? continueWith(value, argument) : later(value, continueWith, argument);
}

/** Runs a task, and continues with its value or with what it throws. Synchronous if the task is. */
export const attempt = <Value, Result>(
  task: () => MaybePromise<Value>,
  succeed: (value: Value) => MaybePromise<Result>,
  fail: (error: unknown) => MaybePromise<Result>,
): MaybePromise<Result> => {
  let value: MaybePromise<Value>;
  try {
    value = task();
  } catch (error) {
    return fail(error);
  }
  return isSync(value) ? succeed(value) : value.then(succeed, fail);
};
