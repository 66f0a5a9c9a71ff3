import type { AuthFetch } from '../../../client/src/transport.ts';

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
      let text = '';
      for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#tell(block);
      }
      this.#end();
    }

    #tell(block: string): void {
      const fields = new Map(
        block.split('\n').map((line) => {
          const at = line.indexOf(':');
          return [line.slice(0, at), line.slice(at + 1).trim()] as const;
        }),
      );
      const [type, data] = [fields.get('event') ?? 'message', fields.get('data') ?? ''];
      this.dispatchEvent(new MessageEvent(type, { data, lastEventId: fields.get('id') ?? '' }));
    }
  };
