/** No events, until the signal aborts. */
export const untilAborted = async function* <Event>(signal: AbortSignal): AsyncGenerator<Event, void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
};
