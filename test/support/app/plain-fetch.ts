import { type Dispatcher, request } from 'undici';

/** A response whose body was read completely. */
export type PlainAnswer = {
  headers: Headers;
  text: string;
  /** Creates a response with the same head and an unread body. */
  toResponse: () => Response;
};

/** The headers that Node's `fetch` adds to each request. */
const fetchHeaders = { accept: '*/*', 'accept-language': '*', 'sec-fetch-mode': 'cors', 'user-agent': 'node' };

/** Statuses without a body: the constructor of Response throws if they have one. */
const hasBody = (status: number) => status >= 200 && status !== 204 && status !== 205 && status !== 304;

const fromResponse = async (answer: Response): Promise<PlainAnswer> => {
  const copy = answer.clone();
  return { headers: answer.headers, text: await copy.text(), toResponse: () => answer.clone() };
};

const toHeaders = (answered: Dispatcher.ResponseData['headers']): Headers => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(answered)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one);
  }
  return headers;
};

/**
 * Sends a request over the same sockets as `fetch`, and reads the whole answer. It costs half of the processor time of
 * `fetch` with two clones. A body that is no text, and a Request object, go through `fetch` itself.
 */
export const plainFetch = async (input: string | URL | Request, init: RequestInit): Promise<PlainAnswer> => {
  const { method = 'GET', body = null, headers, signal } = init;
  if (input instanceof Request || (body !== null && typeof body !== 'string')) {
    return fromResponse(await fetch(input, init));
  }
  signal?.throwIfAborted();
  const sent: Record<string, string> = { ...fetchHeaders };
  new Headers(headers).forEach((value, name) => {
    sent[name] = value;
  });
  if (body !== null && sent['content-type'] === undefined) sent['content-type'] = 'text/plain;charset=UTF-8';
  const answer = await request(input, {
    method,
    headers: sent,
    body,
    ...(signal === null || signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw new TypeError('fetch failed', { cause: error });
  });
  const text = await answer.body.text();
  const { statusCode: status } = answer;
  const answered = toHeaders(answer.headers);
  return {
    headers: answered,
    text,
    toResponse: () => new Response(hasBody(status) ? text : null, { status, headers: answered }),
  };
};
