import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay, setInterval as ticks } from 'node:timers/promises';
import type { EndpointName } from './endpoints.ts';
import { type AuthResponse, toBytes, sendBytes } from './http-messages.ts';

type FaultKind =
  /** Waits, then does its work and answers as usual. */
  | { kind: 'latency'; ms: number }
  /** Answers with this status instead of doing its work. */
  | { kind: 'status'; status: number; body?: string; contentType?: string; headers?: Record<string, string> }
  /** Accepts, and never answers. */
  | { kind: 'hang' }
  /** Does its work, sends the head and part of the body (default: half), and resets the socket. */
  | { kind: 'cut'; afterBytes?: number }
  /** Destroys the socket before any byte. */
  | { kind: 'reset' }
  /** Sends bytes that are not HTTP. */
  | { kind: 'garbage' }
  /** Does its work, and sends the body of the answer slowly, by default one byte a second. */
  | { kind: 'drip'; bytesPerSecond?: number }
  /** Answers 200 with this body instead of doing its work. */
  | { kind: 'body'; body: string; contentType?: string }
  /** Answers 200 with a stream of JSON this long, by default 100 MB. */
  | { kind: 'huge'; bytes?: number }
  /** Does its work, and answers what becomes of the answer. */
  | { kind: 'transform'; answer: (answer: AuthResponse) => AuthResponse }
  /** Does its work, and answers only once the promise is settled. */
  | { kind: 'hold'; until: Promise<void> };

/** What goes wrong at an endpoint; `times` lets it apply to that many requests and then clear itself. */
export type Fault = FaultKind & { times?: number };

/** The faults set now: an endpoint's own comes before the one for all of them. */
export const createFaultRegistry = () => {
  const active = new Map<EndpointName | '*', { fault: Fault; left: number }>();

  return {
    set: (endpoint: EndpointName | '*', fault: Fault | null): void => {
      if (fault) active.set(endpoint, { fault, left: fault.times ?? Number.POSITIVE_INFINITY });
      else active.delete(endpoint);
    },
    /** What is set for an endpoint, or for all of them. Null: nothing. */
    of: (endpoint: EndpointName | '*'): Fault | null => active.get(endpoint)?.fault ?? null,
    clear: (): void => active.clear(),
    /** The fault for a request that has come, counted against its `times`. */
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

// A valid JSON object of exactly this many bytes, from 14 on.
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

async function* dripping(bytes: Buffer, bytesPerSecond: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const atOnce = Math.max(1, Math.ceil(bytesPerSecond / 1000));
  let sent = 0;
  if (bytes.length === 0) return;
  for await (const _ of ticks((1000 * atOnce) / bytesPerSecond, undefined, { signal })) {
    yield bytes.subarray(sent, sent + atOnce);
    sent += atOnce;
    if (sent >= bytes.length) return;
  }
}

type FaultyExchange = {
  request: IncomingMessage;
  response: ServerResponse;
  /** Does the endpoint's work. */
  answer: () => Promise<AuthResponse>;
  send: (answer: AuthResponse) => void;
  /** Aborted when the service closes. */
  signal: AbortSignal;
};

const guessType = (body: string): string => (/^\s*[[{]/.test(body) ? 'application/json' : 'text/html; charset=utf-8');

/** Answers a request as the fault says. */
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
      // A reset that overtakes the bytes before it reaches the caller as an orderly end, or without them.
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
      return pipeline(dripping(bytes, fault.bytesPerSecond ?? 1, signal), response);
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
