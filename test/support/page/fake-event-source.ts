import type { AuthFetch } from '../../../client/src/transport.ts';
import { createEventParser, type ServerEvent } from '../sse/event-parser.ts';

/** An EventSource over a fetch. As a browser's, it tells nothing of an answer that is no stream, and tries no further then. */
export const createEventSource = (fetch: AuthFetch) =>
  class extends EventTarget {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSED = 2;
    readonly CONNECTING = 0;
    readonly OPEN = 1;
    readonly CLOSED = 2;
    readyState = 0;
    readonly url: string;
    readonly #closing = new AbortController();

    constructor(url: string | URL) {
      super();
      this.url = String(url);
      this.#read().catch(() => this.#end());
    }

    close(): void {
      this.readyState = this.CLOSED;
      this.#closing.abort();
    }

    #end(): void {
      if (this.readyState === this.CLOSED) return;
      this.readyState = this.CLOSED;
      this.dispatchEvent(new Event('error'));
    }

    async #read(): Promise<void> {
      const { signal } = this.#closing;
      const answer = await fetch(this.url, { headers: { accept: 'text/event-stream' }, signal });
      if (answer.status !== 200 || answer.body === null) return this.#end();
      this.readyState = this.OPEN;
      this.dispatchEvent(new Event('open'));
      const parser = createEventParser();
      let told = 0;
      for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
        parser.add(chunk);
        for (const event of parser.events().slice(told)) this.#tell(event);
        told = parser.events().length;
      }
      this.#end();
    }

    #tell({ event, data, lastEventId }: ServerEvent): void {
      // A closed source tells nothing of what has arrived already.
      if (this.readyState !== this.CLOSED) this.dispatchEvent(new MessageEvent(event, { data, lastEventId }));
    }
  };
