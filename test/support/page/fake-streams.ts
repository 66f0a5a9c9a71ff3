import { serialize } from 'superjson';
import { codeOfReason, httpStatusOfCode, type Reason } from '../../../shared/src/index.ts';

/** tRPC's numbers of the codes that the tests use. All those of a failing server have one number. */
const numberOf = new Map<string, number>([
  ['UNAUTHORIZED', -32_001],
  ['FORBIDDEN', -32_003],
  ['TOO_MANY_REQUESTS', -32_029],
]);

/** The event streams of a page, which the test opens, fills and breaks. */
export const createFakeStreams = () => {
  const all: FakeStream[] = [];

  class FakeStream extends EventTarget {
    readonly CONNECTING = 0;
    readonly OPEN = 1;
    readonly CLOSED = 2;
    readyState = 0;
    readonly url: URL;
    readonly withCredentials: boolean;
    constructor(url: string, init?: { withCredentials?: boolean }) {
      super();
      this.url = new URL(url, 'https://app.test');
      this.withCredentials = init?.withCredentials === true;
      all.push(this);
    }

    get isOpen(): boolean {
      return this.readyState !== this.CLOSED;
    }
    /** The input of the subscription. */
    get input(): unknown {
      return (JSON.parse(this.url.searchParams.get('input') ?? '{}') as { json?: unknown }).json;
    }
    close(): void {
      this.readyState = this.CLOSED;
    }
    #dispatch(type: string, data: unknown, lastEventId = ''): void {
      if (this.isOpen) this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data), lastEventId }));
    }

    /** The server accepts the connection. `reconnectAfterInactivityMs`: real time without a heartbeat that it allows. */
    accept(options: { reconnectAfterInactivityMs?: number } = {}): void {
      this.readyState = this.OPEN;
      this.#dispatch('connected', options);
    }
    /** Where the stream begins: the id of the last event before it. */
    beginAfter(id: string): void {
      this.#dispatch('restore-id', '', id);
    }
    ping(): void {
      this.#dispatch('ping', '');
    }
    send(data: unknown, id?: string): void {
      this.#dispatch('message', serialize(data), id);
    }
    /** An error in the stream, as the BFF sends one to a subscription that it rejects. */
    reject(reason: Reason, retryAfterSeconds?: number): void {
      this.accept();
      const code = codeOfReason[reason];
      const data = { code, httpStatus: httpStatusOfCode[code], reason, retryAfterSeconds };
      this.#dispatch('serialized-error', serialize({ message: reason, code: numberOf.get(code) ?? -32_603, data }));
    }
    /** The server ends the subscription. */
    return(): void {
      this.#dispatch('return', '');
    }
    /** The network or a proxy ends the stream: a browser would connect again. */
    breakOff(): void {
      this.readyState = this.CONNECTING;
      this.dispatchEvent(new Event('error'));
    }
    /** The response is no stream, such as a proxy's 502: a browser gives up, without a reason. */
    refuse(): void {
      this.readyState = this.CLOSED;
      this.dispatchEvent(new Event('error'));
    }
  }

  return {
    EventSource: FakeStream,
    /** All that were opened, in order. */
    all,
    /** Those that are open. */
    open: () => all.filter(({ isOpen }) => isOpen),
    /** The newest. */
    last(): FakeStream {
      const found = all.at(-1);
      if (found === undefined) throw new Error('The page has opened no stream.');
      return found;
    },
  };
};

export type FakeStreams = ReturnType<typeof createFakeStreams>;
