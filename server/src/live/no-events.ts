/** No events, until the signal aborts. */
export const noEvents = <Event>(signal: AbortSignal): AsyncIterable<Event> => ({
  [Symbol.asyncIterator]: () => ({
    next: () =>
      new Promise((resolve) => {
        const end = () => resolve({ done: true, value: undefined });
        if (signal.aborted) end();
        else signal.addEventListener('abort', end, { once: true });
      }),
  }),
});
