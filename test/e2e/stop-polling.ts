/** Runs in the page: nothing is polled, because no interval and no long timer fires. */
export const stopPolling = () => {
  const start = globalThis.setTimeout.bind(globalThis);
  globalThis.setInterval = (() => 0) as never;
  globalThis.setTimeout = ((task: () => void, delayMs = 0) => (delayMs >= 5_000 ? 0 : start(task, delayMs))) as never;
};
