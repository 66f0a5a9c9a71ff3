import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay, setInterval as ticks } from 'node:timers/promises';
import type { EndpointName } from './endpoints.ts';
import { type AuthResponse, toBytes, sendBytes } from './http-messages.ts';

type FaultKind =
  /** Waits before it processes the request, then answers normally. */
  | { kind: 'latency'; ms: number }
  /** Answers with this status and does not process the request. */
  | { kind: 'status'; status: number; body?: string; contentType?: string; headers?: Record<string, string> }
  /** Accepts the request and never answers. */
  | { kind: 'hang' }
  /** Processes the request, sends the head and part of the body (default: half), then resets the socket. */
  | { kind: 'cut'; afterBytes?: number }
  /** Resets the socket before it sends any byte. */
  | { kind: 'reset' }
  /** Sends bytes that are not HTTP. */
  | { kind: 'garbage' }
  /** Processes the request and sends the body slowly. Default: one byte a second. */
  | { kind: 'drip'; bytesPerSecond?: number }
  /** Answers 200 with this body and does not process the request. */
  | { kind: 'body'; body: string; contentType?: string }
  /** Answers 200 with JSON of this size. Default: 100 MB. */
  | { kind: 'huge'; bytes?: number }
  /** Processes the request and sends the transformed response. */
  | { kind: 'transform'; answer: (answer: AuthResponse) => AuthResponse }
  /** Processes the request and sends the response when the promise settles. */
  | { kind: 'hold'; until: Promise<void> };

/** A fault at an endpoint. `times`: the fault applies to that many requests and then clears itself. Default: no limit. */
export type Fault = FaultKind & { times?: number };

/** Holds the active faults. The fault of an endpoint takes precedence over the fault of `*`. */
export const createFaultRegistry = () => {
  const active = new Map<EndpointName | '*', { fault: Fault; left: number }>();

  return {
    set: (endpoint: EndpointName | '*', fault: Fault | null): void => {
      if (fault) active.set(endpoint, { fault, left: fault.times ?? Number.POSITIVE_INFINITY });
      else active.delete(endpoint);
    },
    /** The fault set for an endpoint, or for `*`. Null: none. */
    of: (endpoint: EndpointName | '*'): Fault | null => active.get(endpoint)?.fault ?? null,
    clear: (): void => active.clear(),
    /** The fault to apply to a request. Counts against its `times`. */
    take: (endpoint: EndpointName | null): Fault | null => {
      const key = endpoint !== null && active.has(endpoint) ? endpoint : '*';
      const entry = active.get(key);
      if (!entry) return null;
      entry.left -= 1;
      if (entry.left <= 0) active.delete(key);
      return entry.fault;
    },
  };
};

const MEGABYTE = 1_000_000;
const RESET_AFTER_MS = 20;

// A valid JSON object of exactly this many bytes. The minimum is 14.
function* hugeJson(bytes: number): Generator<Buffer> {
  const head = '{"padding":"';
  const tail = '"}';
  yield Buffer.from(head);
  const chunk = Buffer.alloc(64 * 1024, 'x');
  for (let left = bytes - head.length - tail.length; left > 0; left -= chunk.length) {
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
  }
  yield Buffer.from(tail);
}

async function* dripBytes(bytes: Buffer, bytesPerSecond: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const chunkBytes = Math.max(1, Math.ceil(bytesPerSecond / 1000));
  let sent = 0;
  if (bytes.length === 0) return;
  for await (const _ of ticks((1000 * chunkBytes) / bytesPerSecond, undefined, { signal })) {
    yield bytes.subarray(sent, sent + chunkBytes);
    sent += chunkBytes;
    if (sent >= bytes.length) return;
  }
}

type FaultyExchange = {
  request: IncomingMessage;
  response: ServerResponse;
  /** Processes the request at the endpoint. */
  answer: () => Promise<AuthResponse>;
  send: (answer: AuthResponse) => void;
  /** Aborted when the service closes. */
  signal: AbortSignal;
};

const guessType = (body: string): string => (/^\s*[[{]/.test(body) ? 'application/json' : 'text/html; charset=utf-8');

/** Applies a fault to a request. */
export const applyFault = async (fault: Fault, exchange: FaultyExchange): Promise<void> => {
  const { request, response, answer, send, signal } = exchange;
  switch (fault.kind) {
    case 'latency':
      await delay(fault.ms, undefined, { signal });
      return send(await answer());
    case 'status': {
      const { status, body = '', contentType = guessType(body), headers = {} } = fault;
      return sendBytes(response, status, { 'content-type': contentType, ...headers }, Buffer.from(body));
    }
    case 'hang':
      return;
    case 'cut': {
      const real = await answer();
      const bytes = toBytes(real);
      const sent = Math.min(fault.afterBytes ?? Math.floor(bytes.length / 2), bytes.length);
      response.writeHead(real.status, { ...real.headers, 'content-length': Math.max(bytes.length, sent + 1) });
      response.flushHeaders();
      response.write(bytes.subarray(0, sent));
      // An immediate reset could reach the caller before the bytes do, or look like an orderly end.
      await delay(RESET_AFTER_MS, undefined, { signal });
      request.socket.resetAndDestroy();
      return;
    }
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'garbage':
      request.socket.write('\u0016\u0003\u0001 this is not HTTP\r\n\r\n');
      await delay(RESET_AFTER_MS, undefined, { signal });
      request.socket.end();
      return;
    case 'drip': {
      const real = await answer();
      const bytes = toBytes(real);
      response.writeHead(real.status, { ...real.headers, 'content-length': bytes.length });
      response.flushHeaders();
      return pipeline(dripBytes(bytes, fault.bytesPerSecond ?? 1, signal), response);
    }
    case 'body':
      return sendBytes(
        response,
        200,
        { 'content-type': fault.contentType ?? 'application/json' },
        Buffer.from(fault.body),
      );
    case 'huge':
      response.writeHead(200, { 'content-type': 'application/json' });
      return pipeline(Readable.from(hugeJson(fault.bytes ?? 100 * MEGABYTE)), response);
    case 'transform':
      return send(fault.answer(await answer()));
    case 'hold': {
      const held = await answer();
      await Promise.allSettled([fault.until]);
      return send(held);
    }
  }
};
