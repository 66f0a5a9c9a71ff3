/** The error of an aborted call. No DOMException: React Native has none. */
export const abortError = (): Error => Object.assign(new Error('The call was aborted.'), { name: 'AbortError' });

/** Leaves a wait as soon as `signal` aborts, with its reason. What was waited for goes on for the others. */
export const abortable = <Result>(wait: Promise<Result>, signal: AbortSignal | null | undefined): Promise<Result> => {
  if (!signal) return wait;
  return new Promise((resolve, reject) => {
    // Old browsers and React Native know no reason.
    const leave = () => reject((signal.reason as Error | undefined) ?? abortError());
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave);
    // A signal may outlive many waits, and keeps none of them.
    wait.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
};
