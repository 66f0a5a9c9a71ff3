/** How the BFF ends a stream: by an error, or by a last event and a regular end. */
export type StreamEnd<Event> = { error: Error } | { last: Event };

export type LiveStreamOptions<Event> = {
  /** Begins the events. They end soon after the signal aborts. Called at the first `next`. */
  start: (signal: AbortSignal) => AsyncIterable<Event>;
  /** Called before each event. The end, if the stream must not deliver it. */
  endBeforeEvent: () => StreamEnd<Event> | null;
  /** Called once, when the stream has ended or its reader has left. */
  onClose: () => void;
};

type Pending<Event> = { resolve: (result: IteratorResult<Event>) => void; reject: (error: unknown) => void };

/**
 * Events that the BFF can end at any time, while their reader waits for the next one. An event that arrives after the end is
 * dropped: a client that resumes by the id of its last event gets it again.
 */
export const createLiveStream = <Event>({ start, endBeforeEvent, onClose }: LiveStreamOptions<Event>) => {
  const controller = new AbortController();
  let source: AsyncIterator<Event> | null = null;
  /** The reader waits for the next event. */
  let pending: Pending<Event> | null = null;
  let end: StreamEnd<Event> | null = null;
  let isClosed = false;

  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    controller.abort();
    // For a source that rests between two events. One that waits has the signal.
    void source?.return?.().catch(() => {});
    onClose();
  };

  const settleEnd = ({ resolve, reject }: Pending<Event>, ending: StreamEnd<Event>): void => {
    close();
    end = null;
    if ('error' in ending) reject(ending.error);
    else resolve({ done: false, value: ending.last });
  };

  const endNow = (ending: StreamEnd<Event>): void => {
    if (isClosed || end !== null) return;
    if (pending === null) {
      end = ending;
      return;
    }
    const reader = pending;
    pending = null;
    settleEnd(reader, ending);
  };

  const read = async (reader: Pending<Event>): Promise<void> => {
    const take = (): boolean => {
      if (pending !== reader) return false;
      pending = null;
      return true;
    };
    try {
      source ??= start(controller.signal)[Symbol.asyncIterator]();
      const result = await source.next();
      if (!take()) return;
      const ending = result.done === true ? null : endBeforeEvent();
      if (ending !== null) return settleEnd(reader, ending);
      if (result.done === true) close();
      reader.resolve(result);
    } catch (error) {
      if (!take()) return;
      close();
      reader.reject(error);
    }
  };

  const iterator: AsyncIterableIterator<Event> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () =>
      new Promise((resolve, reject) => {
        const reader = { resolve, reject };
        if (end !== null) return settleEnd(reader, end);
        if (isClosed) return resolve({ done: true, value: undefined });
        pending = reader;
        void read(reader);
      }),
    return: async () => {
      pending?.resolve({ done: true, value: undefined });
      pending = null;
      close();
      return { done: true, value: undefined };
    },
  };
  return { iterator, end: endNow, close: (): void => void iterator.return?.() };
};

export type LiveStream<Event> = ReturnType<typeof createLiveStream<Event>>;
