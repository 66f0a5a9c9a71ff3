/** Leaves a wait as soon as `signal` aborts, with its reason. What was waited for goes on for the others. */
export const abortable = <Result>(wait: Promise<Result>, signal: AbortSignal | null | undefined): Promise<Result> => {
  if (!signal) return wait;
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason as Error);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave);
    // A signal may outlive many waits, and keeps none of them.
    wait.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
};
