import { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import type { RequestMeta } from './caller.ts';
import type { Endpoint } from './endpoints.ts';
import type { QueueEvents } from './resilience/bulkhead.ts';
import { toTransportError } from './transport-errors.ts';
import { toUploadError, trackUpload, type UploadProgress } from './upload.ts';

const maxResponseBytes = 5_000_000;
const maxConnections = 64;

/** A request body that is read once, so the request cannot be retried. */
export type Upload = {
  contentType: string;
  /** Bytes of `body`. */
  contentLength: number;
  body: AsyncIterable<Uint8Array>;
};

export type UpstreamRequest = RequestMeta & {
  query?: Record<string, string>;
  json?: unknown;
  /** Instead of `json`. */
  upload?: Upload | undefined;
  /** `Host` header. Default: the host of the base URL. The connection goes to the base URL in any case. */
  host?: string | undefined;
  accessToken?: string | undefined;
  refreshToken?: string | undefined;
  /** `callerNameOf` a verified caller. Without it, the call is attributed to the network of `address`. */
  person?: string | undefined;
  signal?: AbortSignal | undefined;
} & QueueEvents;

/** An HTTP response of any status, not validated yet. */
export type UpstreamResponse = {
  status: number;
  /** `Date` header: the clock of the server or of a proxy. */
  date: string | null;
  contentType: string | null;
  location: string | null;
  retryAfter: string | null;
  setCookies: string[];
  body: string;
};

/**
 * Result of one attempt, for health and metrics. `answered`: a status below 500. `rate_limited`: a 429, which does not
 * count as a failure of the service. `abandoned`: the client disconnected, or did not complete its upload.
 */
export type CallOutcome = {
  endpoint: string;
  outcome: 'answered' | 'rate_limited' | 'unavailable' | 'contract' | 'abandoned';
  status: number | null;
  durationMs: number;
  /** Id of the incoming request that caused the call. */
  requestId: string | undefined;
};

export type CallEnd = Pick<CallOutcome, 'outcome' | 'status'>;

/** Tracing hooks of one call. */
export type CallTrace = {
  /** Headers that propagate the trace context. */
  headers: Readonly<Record<string, string>>;
  /** Runs the call in the trace context. */
  run?: <Result>(task: () => Result) => Result;
  end?: (end: CallEnd) => void;
};

export type CreateDeadline = (ms: number) => AbortSignal;
/** A wrapper, because `AbortSignal.timeout` has to be called as a method. */
export const deadlineByTimer: CreateDeadline = (ms) => AbortSignal.timeout(ms);

export type TransportOptions = {
  /** Base URL of the Auth Service, without a trailing slash. It may contain a path. */
  url: string;
  apiKey: string;
  /** Overrides the deadline of every endpoint, for requests that bring no signal. */
  deadlineMs?: number | undefined;
  /** Creates a signal that aborts with a `TimeoutError` after the given milliseconds. Default `AbortSignal.timeout`. */
  createDeadline?: CreateDeadline | undefined;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
  onCall?: (outcome: CallOutcome) => void;
  /** Runs before each call. Null means that the call is not traced. */
  traceCall?: (endpoint: Endpoint, requestId: string | undefined) => CallTrace | null;
};

export const isServerError = ({ status }: Pick<UpstreamResponse, 'status'>): boolean => status >= 500;
export const isRateLimited = ({ status }: Pick<UpstreamResponse, 'status'>): boolean => status === 429;

const isTimeout = (reason: unknown) => reason instanceof Error && reason.name === 'TimeoutError';

const headerOf = (headers: Record<string, string | string[] | undefined>, name: string): string | null => {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
};

const setCookiesOf = (header: string | string[] | undefined): string[] => {
  if (header === undefined) return [];
  return Array.isArray(header) ? header : [header];
};

const cookieHeaderOf = ({ accessToken, refreshToken }: UpstreamRequest): string | null => {
  if (accessToken === undefined && refreshToken === undefined) return null;
  if (refreshToken === undefined) return `access_token=${accessToken}`;
  if (accessToken === undefined) return `refresh_token=${refreshToken}`;
  return `access_token=${accessToken}; refresh_token=${refreshToken}`;
};

const contentHeadersOf = ({ json, upload }: UpstreamRequest): Record<string, string> => {
  if (upload !== undefined) {
    return { 'content-type': upload.contentType, 'content-length': String(upload.contentLength) };
  }
  return json === undefined ? {} : { 'content-type': 'application/json' };
};

const outcomeOf = (response: UpstreamResponse): CallOutcome['outcome'] => {
  if (isServerError(response)) return 'unavailable';
  return isRateLimited(response) ? 'rate_limited' : 'answered';
};

/**
 * A connection pool to the Auth Service. One deadline covers the whole call. Redirects are not followed, and only the
 * given tokens are sent as cookies. Every HTTP response is returned, whatever its status. Throws
 * `auth_service_unavailable` if there is no response, and `auth_service_contract` if the response cannot be read.
 */
export const createTransport = (options: TransportOptions) => {
  const { url, apiKey, deadlineMs, createDeadline = deadlineByTimer, onCall, traceCall } = options;
  const now = options.monotonicNow ?? (() => performance.now());
  const base = new URL(url);
  const basePath = base.pathname.replace(/\/+$/, '');
  const pool: Dispatcher = new Pool(base.origin, {
    connections: maxConnections,
    maxResponseSize: maxResponseBytes,
    connect: { timeout: 3_000 },
  });

  const headersOf = (endpoint: Endpoint, request: UpstreamRequest, trace: CallTrace | null) => {
    const cookie = cookieHeaderOf(request);
    return {
      ...trace?.headers,
      accept: 'application/json',
      ...(request.host === undefined ? {} : { host: request.host }),
      ...contentHeadersOf(request),
      ...(cookie === null ? {} : { cookie }),
      ...(endpoint.internal === true ? { 'x-api-key': apiKey } : {}),
      ...(request.requestId === undefined ? {} : { 'x-request-id': request.requestId }),
      // One address, and never the client's own header: the service rate-limits and locks accounts by this value.
      ...(request.address === undefined ? {} : { 'x-forwarded-for': request.address }),
    };
  };

  const bodyOf = ({ json, upload }: UpstreamRequest, progress: UploadProgress) => {
    if (upload !== undefined) return Readable.from(trackUpload(upload.body, progress), { objectMode: false });
    return json === undefined ? null : JSON.stringify(json);
  };

  /** Sets `progress.hasHeaders` when the response headers arrive. */
  const send = async (
    endpoint: Endpoint,
    request: UpstreamRequest,
    trace: CallTrace | null,
    progress: UploadProgress & { hasHeaders: boolean },
  ): Promise<UpstreamResponse> => {
    const query = request.query === undefined ? '' : `?${new URLSearchParams(request.query).toString()}`;
    const { statusCode, headers, body } = await pool.request({
      // Without it, undici would take the TLS server name from the Host header.
      ...(request.host === undefined ? {} : { servername: base.hostname.replaceAll(/[[\]]/g, '') }),
      method: endpoint.method,
      path: `${basePath}${endpoint.path}${query}`,
      headers: headersOf(endpoint, request, trace),
      body: bodyOf(request, progress),
      signal: request.signal ?? createDeadline(deadlineMs ?? endpoint.deadlineMs),
    });
    progress.hasHeaders = true;
    return {
      status: statusCode,
      date: headerOf(headers, 'date'),
      contentType: headerOf(headers, 'content-type'),
      location: headerOf(headers, 'location'),
      retryAfter: headerOf(headers, 'retry-after'),
      setCookies: setCookiesOf(headers['set-cookie']),
      body: await body.text(),
    };
  };

  return {
    async request(endpoint: Endpoint, request: UpstreamRequest = {}): Promise<UpstreamResponse> {
      const startedAt = now();
      const progress: UploadProgress & { hasHeaders: boolean } = { hasHeaders: false, isWaiting: false };
      const { requestId } = request;
      const trace = traceCall?.(endpoint, requestId) ?? null;
      const report = (outcome: CallOutcome['outcome'], status: number | null) => {
        onCall?.({ endpoint: endpoint.name, outcome, status, durationMs: now() - startedAt, requestId });
        trace?.end?.({ outcome, status });
      };
      try {
        const run = trace?.run;
        const response = await (run === undefined
          ? send(endpoint, request, trace, progress)
          : run(() => send(endpoint, request, trace, progress)));
        report(outcomeOf(response), response.status);
        return response;
      } catch (cause) {
        const uploadError = toUploadError(cause, progress);
        const error =
          uploadError ?? toTransportError({ endpoint, cause, hasHeaders: progress.hasHeaders, maxResponseBytes });
        const isAbandoned =
          uploadError !== null || (request.signal?.aborted === true && !isTimeout(request.signal.reason));
        const outcome = error.reason === 'auth_service_contract' ? 'contract' : 'unavailable';
        report(isAbandoned ? 'abandoned' : outcome, null);
        throw error;
      }
    },
    close: () => pool.destroy(),
  };
};

export type Transport = ReturnType<typeof createTransport>;
