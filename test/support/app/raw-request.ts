import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { deserialize, serialize, type SuperJSONResult } from 'superjson';
import { expect } from 'vitest';
import type { ErrorData } from '../../../shared/src/index.ts';
import { capture } from '../output/captured.ts';

export type RawRequest = {
  /** Default `GET`. */
  method?: string;
  /** The request target as sent: a path or an absolute URL. */
  target: string;
  headers?: Record<string, string | string[]>;
  /** Sent with a content-length. An array is sent in chunks, without content-length. */
  body?: string | Uint8Array | string[];
  /** A keep-alive agent. Default: one connection per request. */
  agent?: Agent;
};

export type RawAnswer = {
  status: number;
  headers: IncomingHttpHeaders;
  /** The raw Set-Cookie lines. */
  setCookies: string[];
  body: string;
};

/** A keep-alive agent that closes its connections when it is disposed. */
export const keepingAgent = (): Agent & Disposable => {
  const agent = new Agent({ keepAlive: true });
  return Object.assign(agent, { [Symbol.dispose]: () => agent.destroy() });
};

/** `/dev/config` of `npm run dev` lists the demo people with their passwords on purpose. */
const showsDemoPasswords = (target: string) => target === '/dev/config';

/** Sends a request without the restrictions of fetch, which forbids Host, Origin and Sec-Fetch-Site, and normalises URLs. */
export const askRaw = (url: string, { method = 'GET', target, headers = {}, body = [], agent }: RawRequest) =>
  new Promise<RawAnswer>((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const chunks = Array.isArray(body) ? body : [body];
    const length = Array.isArray(body) ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request({
      hostname,
      port,
      method,
      path: target,
      headers: { ...length, ...headers },
      agent: agent ?? false,
    });
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      text(answer).then((read) => {
        if (!showsDemoPasswords(target)) capture('answer', read);
        const { statusCode = 0, headers: responseHeaders } = answer;
        resolve({
          status: statusCode,
          headers: responseHeaders,
          setCookies: responseHeaders['set-cookie'] ?? [],
          body: read,
        });
      }, reject);
    });
    for (const chunk of chunks) outgoing.write(chunk);
    outgoing.end();
  });

/** Sends raw lines, which need not be valid HTTP, and reads until the server closes the connection. */
export const sendLines = (url: string, lines: readonly string[]) =>
  new Promise<RawAnswer>((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    let read = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      read += chunk;
    });
    socket.once('error', reject);
    socket.once('close', () => {
      const [head = '', ...rest] = read.split('\r\n\r\n');
      const [statusLine = '', ...fields] = head.split('\r\n');
      const headers: IncomingHttpHeaders = {};
      const setCookies: string[] = [];
      for (const field of fields) {
        const at = field.indexOf(':');
        const [name, value] = [field.slice(0, at).toLowerCase(), field.slice(at + 1).trim()];
        if (name === 'set-cookie') setCookies.push(value);
        else headers[name] = value;
      }
      const body = rest.join('\r\n\r\n');
      capture('answer', body);
      resolve({ status: Number(statusLine.split(' ')[1] ?? 0), headers, setCookies, body });
    });
    socket.write(lines.join('\r\n'));
  });

/** The headers of a POST of the client package. */
export const postHeaders = { 'content-type': 'application/json', 'x-csrf': '1' };

/** An input serialised by superjson. */
export const written = (input: unknown): string => JSON.stringify(serialize(input));

/** The request target of a query or of a batch of queries. */
export const queryTarget = (paths: string | readonly string[], inputs?: unknown): string => {
  const isBatch = typeof paths !== 'string';
  const search = new URLSearchParams(isBatch ? { batch: '1' } : {});
  if (inputs !== undefined) search.set('input', JSON.stringify(inputs));
  const path = isBatch ? paths.join(',') : paths;
  return `/trpc/${path}${search.size > 0 ? `?${search}` : ''}`;
};

export type RawError = ErrorData & { message: string };
type ErrorBody = { error: { json: { message: string; code: number; data: ErrorData } } };

/** Without `expect` unless it fails: attacks and limits read thousands of errors. */
const toRawError = (body: unknown): RawError => {
  const { message, code, data } = (body as Partial<ErrorBody>).error?.json ?? {};
  if (typeof message !== 'string' || typeof code !== 'number' || typeof data?.code !== 'string') {
    expect.fail(`Expected a tRPC error, got ${JSON.stringify(body)}`);
  }
  return { ...data, message };
};

/** The tRPC error of a response. Throws if the body has another shape, or if the status differs from the error's. */
export const errorOf = ({ status, headers, body }: RawAnswer): RawError => {
  if (!/^application\/json(;|$)/.test(headers['content-type'] ?? '')) {
    expect.fail(`Expected JSON, got ${headers['content-type']}: ${body}`);
  }
  const error = toRawError(JSON.parse(body));
  if (error.httpStatus !== status || typeof error.reason !== 'string') {
    expect.fail(`Expected a reason and httpStatus ${status}, got ${body}`);
  }
  return error;
};

type ResultBody = { result: { data: SuperJSONResult } };

/** The result of a response. Throws if it is an error. */
export const resultOf = ({ status, body }: RawAnswer): unknown => {
  if (status !== 200) expect.fail(`Expected status 200, got ${status}: ${body}`);
  return deserialize((JSON.parse(body) as ResultBody).result.data);
};

/** Each call of a batch: its result, or its error's reason. */
export const outcomesOf = ({ body }: RawAnswer): unknown[] =>
  (JSON.parse(body) as Array<ResultBody | ErrorBody>).map((call) =>
    'error' in call ? toRawError(call).reason : deserialize(call.result.data),
  );
