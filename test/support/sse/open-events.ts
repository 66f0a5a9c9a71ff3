import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { deserialize, serialize } from 'superjson';
import { capture } from '../output/captured.ts';
import { createEventParser, type ServerEvent } from './event-parser.ts';

export type OpenEventsOptions = {
  url: string;
  /** Such as `assignments.onTurn`. */
  path: string;
  input?: unknown;
  /** More parameters of the query. */
  query?: Record<string, string>;
  headers?: Record<string, string>;
  method?: string;
};

/** A stream of server-sent events over a connection of its own. */
export type OpenEvents = Disposable & {
  status: number;
  headers: IncomingHttpHeaders;
  /** Everything received so far. */
  text: () => string;
  /** The events received so far. */
  events: () => readonly ServerEvent[];
  /** The data of the events without a name so far, deserialized. */
  data: () => unknown[];
  /** The error that the stream ended with. Null: it has none so far. */
  error: () => { message: string; data: { code: string; reason: string; retryAfterSeconds?: number } } | null;
  /** The time to wait before the next connection, as the server said. Null: it said nothing. */
  retryMs: () => number | null;
  /** Whether the server has ended the response. */
  isEnded: () => boolean;
  /** Whether the connection is closed, with or without the end of the response. */
  isClosed: () => boolean;
  response: IncomingMessage;
};

const toAddress = ({ url, path, input, query = {} }: OpenEventsOptions): string => {
  const params = new URLSearchParams(query);
  if (input !== undefined) params.set('input', JSON.stringify(serialize(input)));
  return `${url}/trpc/${path}?${params.toString()}`;
};

/** Subscribes as an EventSource does. Resolves with the headers of the response. */
export const openEvents = async (options: OpenEventsOptions): Promise<OpenEvents> => {
  const { headers = {}, method = 'GET' } = options;
  let request: ClientRequest | null = null;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request = httpRequest(toAddress(options), {
      method,
      agent: false,
      headers: { accept: 'text/event-stream', ...headers },
    });
    request.on('response', resolve).on('error', reject).end();
  });
  const parser = createEventParser();
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    text += part;
    capture('answer', part);
    parser.add(part);
  });
  response.on('error', () => {});
  const last = (event: string) => parser.events().findLast((one) => one.event === event);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: () => text,
    events: parser.events,
    data: () =>
      parser
        .events()
        .filter(({ event }) => event === 'message')
        .map(({ data }) => deserialize(JSON.parse(data))),
    error: () => {
      const failure = last('serialized-error');
      return failure === undefined ? null : deserialize(JSON.parse(failure.data));
    },
    retryMs: parser.retryMs,
    isEnded: () => response.readableEnded,
    isClosed: () => response.destroyed || response.closed,
    response,
    [Symbol.dispose]: () => void request?.destroy(),
  };
};
