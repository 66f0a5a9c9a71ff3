/** The members of `EventSource` that the client uses. */
export type LiveEventSource = {
  readonly CLOSED: number;
  readonly readyState: number;
  // A method, whose parameters are compared loosely: the events of libraries are not quite the browser's.
  addEventListener(type: string, listener: (event: { readonly type: string }) => void): void;
  close(): void;
};

/** The browser's `EventSource`, or a class with the same constructor, such as that of the package `eventsource`. */
export type LiveEventSourceConstructor = new (url: string, init?: { withCredentials?: boolean }) => LiveEventSource;

/** The platform's `EventSource`, or undefined on Node and React Native. Read at each connection: an import touches no global. */
export const platformEventSource = (): LiveEventSourceConstructor | undefined =>
  (globalThis as { EventSource?: LiveEventSourceConstructor }).EventSource;

/**
 * A class of connections that report the event `restore-id`: the id of the last event before the stream. Without it, a stream
 * that is interrupted before its first event would not know where to resume.
 */
export const withPosition = (
  EventSource: LiveEventSourceConstructor,
  onPosition: (lastEventId: string) => void,
): LiveEventSourceConstructor =>
  class extends EventSource {
    constructor(url: string, init?: { withCredentials?: boolean }) {
      super(url, init);
      this.addEventListener('restore-id', (event) => {
        const { lastEventId } = event as { readonly lastEventId?: string };
        if (lastEventId) onPosition(lastEventId);
      });
    }
  };
