import type { IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { capture } from '../output/captured.ts';
import type { RawAnswer, RawRequest } from './raw-request.ts';

/** Node gives the values of a repeated header as one, as here, for all headers that an app of the tests repeats. */
const toHeaders = (lines: readonly string[]): Pick<RawAnswer, 'headers' | 'setCookies'> => {
  const headers: IncomingHttpHeaders = {};
  const setCookies: string[] = [];
  for (const line of lines) {
    const at = line.indexOf(':');
    const [name, value] = [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    if (name === 'set-cookie') setCookies.push(value);
    else headers[name] = headers[name] === undefined ? value : `${String(headers[name])}, ${value}`;
  }
  return { headers, setCookies };
};

/** Decodes the chunks from `start`. Null: they are incomplete. */
const readChunks = (received: Buffer, start: number): { body: Buffer; end: number } | null => {
  const chunks: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = received.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const length = Number.parseInt(received.toString('latin1', at, lineEnd), 16);
    const [from, to] = [lineEnd + 2, lineEnd + 2 + length];
    if (received.length < to + 2) return null;
    if (length === 0) return { body: Buffer.concat(chunks), end: to + 2 };
    chunks.push(received.subarray(from, to));
    at = to + 2;
  }
};

type Received = { answer: RawAnswer; end: number };

/** The first final answer. Null: it is incomplete. */
const readAnswer = (received: Buffer, method: string, start = 0): Received | null => {
  const headEnd = received.indexOf('\r\n\r\n', start);
  if (headEnd < 0) return null;
  const [statusLine = '', ...lines] = received.toString('latin1', start, headEnd).split('\r\n');
  const status = Number(statusLine.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
  const bodyStart = headEnd + 4;
  if (status < 200) return readAnswer(received, method, bodyStart);
  const head = { status, ...toHeaders(lines) };
  if (method === 'HEAD' || status === 204 || status === 304) {
    return { answer: { ...head, body: '' }, end: bodyStart };
  }
  if (head.headers['transfer-encoding'] === 'chunked') {
    const chunks = readChunks(received, bodyStart);
    return chunks === null ? null : { answer: { ...head, body: chunks.body.toString() }, end: chunks.end };
  }
  const end = bodyStart + Number(head.headers['content-length']);
  return received.length < end ? null : { answer: { ...head, body: received.toString('utf8', bodyStart, end) }, end };
};

/** Methods whose requests have a body by definition: Node's client sends their content-length even if it is 0. */
const withBody = new Set(['POST', 'PUT', 'PATCH']);

const toBytes = (host: string, { method = 'GET', target, headers = {}, body = [] }: RawRequest): Buffer => {
  const isChunked = Array.isArray(body) && body.length > 0;
  const length = Array.isArray(body) ? 0 : Buffer.byteLength(body);
  const own: NonNullable<RawRequest['headers']> = {
    ...(isChunked ? { 'transfer-encoding': 'chunked' } : {}),
    ...(!isChunked && (!Array.isArray(body) || withBody.has(method)) ? { 'content-length': String(length) } : {}),
    host,
    connection: 'keep-alive',
  };
  const lines = Object.entries({ ...own, ...headers }).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `${name}: ${one}\r\n`),
  );
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  const sent = Array.isArray(body) ? body.filter((chunk) => chunk !== '') : [body];
  const toChunk = (chunk: string) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`;
  if (isChunked)
    return Buffer.concat([head, Buffer.from(`${sent.map((one) => toChunk(String(one))).join('')}0\r\n\r\n`)]);
  return Buffer.concat([head, ...sent.map((one) => (typeof one === 'string' ? Buffer.from(one) : one))]);
};

/**
 * One connection to an app, kept for the next request. It costs less processor time than Node's HTTP client, and
 * sends each request as it is. Takes one request at a time.
 */
export const createRawConnection = (url: string) => {
  const { hostname, port, host } = new URL(url);
  let socket: Socket | null = null;

  const open = (): Socket => {
    const opened = connect({ host: hostname, port: Number(port), noDelay: true });
    // Between two requests only the end matters: the next request opens another connection.
    opened.on('error', () => {});
    opened.once('close', () => {
      if (socket === opened) socket = null;
    });
    socket = opened;
    return opened;
  };

  /** Null: the server closed a kept connection before it took the request, as it may at any time between two requests. */
  const tryToAsk = (request: RawRequest): Promise<RawAnswer | null> =>
    new Promise((resolve, reject) => {
      const isKept = socket !== null;
      const used = socket ?? open();
      let received: Buffer = Buffer.alloc(0);
      const stop = () => {
        used.off('data', read);
        used.off('close', fail);
      };
      const read = (data: Buffer) => {
        received = received.length === 0 ? data : Buffer.concat([received, data]);
        const complete = readAnswer(received, request.method ?? 'GET');
        if (complete === null) return;
        stop();
        const { answer, end } = complete;
        if (answer.headers.connection === 'close') {
          // The answer to a malformed request has a body, even after HEAD. The connection ends, so the body is ignored.
          used.destroy();
          socket = null;
        } else if (end < received.length) {
          // The server took the request for two, or its answer to HEAD has a body.
          used.destroy();
          reject(new Error(`Bytes after the answer: ${received.toString('latin1', end, end + 200)}`));
          return;
        }
        capture('answer', answer.body);
        resolve(answer);
      };
      const fail = () => {
        stop();
        if (isKept && received.length === 0) resolve(null);
        else reject(new Error(`The server closed the connection after ${received.length} bytes.`));
      };
      used.on('data', read);
      used.once('close', fail);
      used.write(toBytes(host, request));
    });

  const ask = async (request: RawRequest): Promise<RawAnswer> => {
    const answer = (await tryToAsk(request)) ?? (await tryToAsk(request));
    if (answer === null) throw new Error('The server closed two connections without an answer.');
    return answer;
  };

  return { ask, close: () => socket?.destroy() };
};

export type RawConnection = ReturnType<typeof createRawConnection>;
