/** The error of an aborted call. Not a `DOMException`, which React Native lacks. */
export const abortError = (): Error => Object.assign(new Error('The call was aborted.'), { name: 'AbortError' });

/** Rejects with the signal's reason as soon as it aborts. The promise itself continues for other waiters. */
export const abortable = <Result>(
  promise: Promise<Result>,
  signal: AbortSignal | null | undefined,
): Promise<Result> => {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    // Old browsers and React Native do not set `reason`.
    const onAbort = () => reject((signal.reason as Error | undefined) ?? abortError());
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    // A long-lived signal must not accumulate listeners.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
};
