import {
  csrfHeader,
  csrfValue,
  maxBodyBytes,
  maxCallsPerBatch,
  maxUrlBytes,
  noRouteMessage,
  requestIdHeader,
  requestIdPattern,
  trpcPath,
} from '@auth-bff/shared';
import { deserialize, type SuperJSONResult } from 'superjson';
import { type TestError, testError } from './test-error.ts';

/** A request to the test BFF. Only the path and the query of its URL matter. */
export type TestRequest = {
  method: string;
  /** The procedures: what follows `/trpc/` or, in a URL without it, the last segment. Null: the URL leads to no procedure. */
  path: string | null;
  /** With the question mark, or empty. */
  search: string;
  headers: Headers;
  body: string;
  signal: AbortSignal | null;
};

type Input = string | URL | Request;

/** Resolves a relative URL. The origin is of no importance. */
const toUrl = (input: Input): URL =>
  new URL(typeof input === 'string' || input instanceof URL ? String(input) : input.url, 'http://bff.test');

const toPath = ({ pathname }: URL): string | null => {
  const marker = `${trpcPath}/`;
  const at = pathname.lastIndexOf(marker);
  if (at < 0) return pathname.slice(pathname.lastIndexOf('/') + 1) || null;
  const path = pathname.slice(at + marker.length);
  return path.includes('/') ? null : path;
};

const bodyOf = (input: Input, init: RequestInit): string | Promise<string> => {
  const { body } = init;
  if (typeof body === 'string') return body;
  if (body !== undefined && body !== null) return new Response(body).text();
  return typeof input === 'string' || input instanceof URL ? '' : input.text();
};

/** Reads the arguments of `fetch`. Synchronous for a text body, so that calls are recorded in the order in which they are made. */
export const readRequest = (input: Input, init: RequestInit = {}): TestRequest | Promise<TestRequest> => {
  const request = typeof input === 'string' || input instanceof URL ? null : input;
  const url = toUrl(input);
  const method = (init.method ?? request?.method ?? 'GET').toUpperCase();
  const head = {
    method,
    path: toPath(url),
    search: url.search,
    headers: new Headers(init.headers ?? request?.headers),
    signal: init.signal ?? request?.signal ?? null,
  };
  if (method === 'GET' || method === 'HEAD') return { ...head, body: '' };
  const body = bodyOf(input, init);
  return typeof body === 'string' ? { ...head, body } : body.then((text) => ({ ...head, body: text }));
};

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** The path as text. Null: it is not percent-encoded UTF-8. */
const decode = (path: string): string | null => {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
};

const invalidUrl = (expectation: string): TestError => {
  const message = `The URL is not valid: path: ${expectation}`;
  return testError('invalid_input', { message, issues: [{ path: 'path', message: expectation }] });
};

/** Whether the request reaches the procedures of the BFF, whose responses describe the session. */
export const isRouted = ({ path }: TestRequest): boolean => path !== null && decode(path) !== null;

/** Throws the BFF's error for a request that it rejects before it reads the calls. */
export const rejectMalformed = ({ method, path, search, headers, body }: TestRequest): void => {
  if (path === null) throw testError('no_such_procedure', { message: noRouteMessage(method) });
  const text = decode(path);
  if (text === null) throw invalidUrl('Expected percent-encoded UTF-8');
  if (text.includes('\0')) throw invalidUrl('Expected text without NUL characters');
  if (method === 'POST') {
    const isJson = /^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '');
    if (!isJson) throw testError('unsupported_media_type');
    if (headers.get(csrfHeader) !== csrfValue) {
      throw testError('csrf', { message: `Refused: a POST must carry the header ${csrfHeader}: ${csrfValue}.` });
    }
  } else if (method !== 'GET' && method !== 'HEAD') throw testError('method_not_allowed');
  if (bytesOf(`${trpcPath}/${path}${search}`) > maxUrlBytes) {
    const message = `The URL has more than ${maxUrlBytes} bytes: send fewer calls in a batch.`;
    throw testError('payload_too_large', { message });
  }
  if (bytesOf(body) > maxBodyBytes) throw testError('payload_too_large');
};

/** The calls of a request. `input`: undefined if it cannot be read. */
export const readCalls = ({ method, path, search, body }: TestRequest): { path: string; input: unknown }[] => {
  const query = new URLSearchParams(search);
  const isBatch = query.get('batch') === '1';
  const names = decode(path ?? '') ?? '';
  const paths = isBatch ? names.split(',') : [names];
  // The BFF runs none of them.
  if (paths.length > maxCallsPerBatch) return [];
  const text = method === 'POST' ? body : (query.get('input') ?? '');
  const inputOf = (index: number): unknown => {
    try {
      const parsed = JSON.parse(text) as SuperJSONResult & Record<number, SuperJSONResult>;
      const one = isBatch ? parsed[index] : parsed;
      return one === undefined ? undefined : deserialize(one);
    } catch {
      return undefined;
    }
  };
  return paths.map((one, index) => ({ path: one, input: inputOf(index) }));
};

/** The caller's request id if it is one, or the given one. */
export const requestIdOf = ({ headers }: TestRequest, fallback: string): string => {
  const own = headers.get(requestIdHeader);
  return own !== null && requestIdPattern.test(own) ? own : fallback;
};
