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
  /** The request target as it goes over the wire: a path, or an absolute address. */
  target: string;
  headers?: Record<string, string | string[]>;
  /** Sent with a content-length; a list is sent in chunks, without one. */
  body?: string | Uint8Array | string[];
  /** Keeps connections. Default: one connection a request. */
  agent?: Agent;
};

export type RawAnswer = {
  status: number;
  headers: IncomingHttpHeaders;
  /** The raw Set-Cookie lines. */
  setCookies: string[];
  body: string;
};

/** Keeps connections, and ends them with the block that it is used in. */
export const keepingAgent = (): Agent & Disposable => {
  const agent = new Agent({ keepAlive: true });
  return Object.assign(agent, { [Symbol.dispose]: () => agent.destroy() });
};

/** `npm run dev` lists its demo people with their passwords there, on purpose. */
const showsDemoPasswords = (target: string) => target === '/dev/config';

/** Asks without the manners of fetch, which forbids Host, Origin and Sec-Fetch-Site, and normalises every address. */
export const askRaw = (url: string, { method = 'GET', target, headers = {}, body = [], agent }: RawRequest) =>
  new Promise<RawAnswer>((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const chunks = Array.isArray(body) ? body : [body];
    const length = Array.isArray(body) ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const asking = request({
      hostname,
      port,
      method,
      path: target,
      headers: { ...length, ...headers },
      agent: agent ?? false,
    });
    asking.once('error', reject);
    asking.once('response', (answer) => {
      text(answer).then((read) => {
        if (!showsDemoPasswords(target)) capture('answer', read);
        const { statusCode = 0, headers: told } = answer;
        resolve({ status: statusCode, headers: told, setCookies: told['set-cookie'] ?? [], body: read });
      }, reject);
    });
    for (const chunk of chunks) asking.write(chunk);
    asking.end();
  });

/** Sends lines as they stand, which need not be HTTP, and reads what comes until the other side hangs up. */
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

/** What a POST of the client package carries. */
export const postHeaders = { 'content-type': 'application/json', 'x-csrf': '1' };

/** An input as superjson writes it. */
export const written = (input: unknown): string => JSON.stringify(serialize(input));

/** The target of a query, or of several in a batch. */
export const queryTarget = (paths: string | readonly string[], inputs?: unknown): string => {
  const isBatch = typeof paths !== 'string';
  const search = new URLSearchParams(isBatch ? { batch: '1' } : {});
  if (inputs !== undefined) search.set('input', JSON.stringify(inputs));
  const path = isBatch ? paths.join(',') : paths;
  return `/trpc/${path}${search.size > 0 ? `?${search}` : ''}`;
};

export type RawError = ErrorData & { message: string };
type ErrorBody = { error: { json: { message: string; code: number; data: ErrorData } } };

const toRawError = (body: unknown): RawError => {
  expect(body).toMatchObject({
    error: { json: { message: expect.any(String), code: expect.any(Number), data: { code: expect.any(String) } } },
  });
  const { message, data } = (body as ErrorBody).error.json;
  return { ...data, message };
};

/** The error of an answer. Fails where that is not of tRPC's shape, or where the status is not the error's own. */
export const errorOf = ({ status, headers, body }: RawAnswer): RawError => {
  expect(headers['content-type']).toMatch(/^application\/json(;|$)/);
  const error = toRawError(JSON.parse(body));
  expect(error).toMatchObject({ httpStatus: status, reason: expect.any(String) });
  return error;
};

type ResultBody = { result: { data: SuperJSONResult } };

/** The result of an answer. Fails where it is an error. */
export const resultOf = ({ status, body }: RawAnswer): unknown => {
  expect({ status, body }).toMatchObject({ status: 200 });
  return deserialize((JSON.parse(body) as ResultBody).result.data);
};

/** Each call of a batch: its result, or its error's reason. */
export const outcomesOf = ({ body }: RawAnswer): unknown[] =>
  (JSON.parse(body) as Array<ResultBody | ErrorBody>).map((call) =>
    'error' in call ? toRawError(call).reason : deserialize(call.result.data),
  );
