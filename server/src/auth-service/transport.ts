import type { PersonType } from '@auth-bff/shared';
import { type Dispatcher, errors, Pool } from 'undici';
import { AppError, type UpstreamEnd } from '../errors.ts';
import type { TurnEvents } from './resilience/bulkhead.ts';
import type { Endpoint } from './endpoints.ts';

/** The most bytes that an answer may have. */
const maxAnswerBytes = 5_000_000;
/** Connections to the Auth Service at once. */
const maxConnections = 64;

/** Which request of ours a call is made for. */
export type Cause = {
  requestId?: string | undefined;
  /** The IP address that it came from. */
  address?: string | undefined;
};
export const causeOf = ({ requestId, address }: Cause): Cause => ({ requestId, address });

/** On whose behalf a call is made. */
export type Caller = Cause & {
  type: PersonType;
  id: number;
  accessToken: string;
  /** Whether `type` and `id` are only claims of a token that nobody has verified yet. Default false. */
  isUnverified?: boolean | undefined;
  /** Aborts once nobody waits for the answer any more. */
  signal?: AbortSignal | undefined;
} & TurnEvents;

/** Names a person. Numbers alone do not: those of staff and employees overlap. */
export const personOf = ({ type, id }: Pick<Caller, 'type' | 'id'>): string => `${type} ${id}`;

export type Exchange = Cause & {
  query?: Record<string, string>;
  json?: unknown;
  accessToken?: string | undefined;
  refreshToken?: string | undefined;
  /** `personOf` a verified caller. Without it, the network of `address` is the source of the call. */
  person?: string | undefined;
  signal?: AbortSignal | undefined;
} & TurnEvents;

/** What came back, whatever its status. Nothing here was judged yet but that it is an HTTP answer. */
export type Answer = {
  status: number;
  /** The clock of whoever answered, as it says. */
  date: string | null;
  contentType: string | null;
  location: string | null;
  retryAfter: string | null;
  setCookies: string[];
  body: string;
};

/**
 * How one attempt ended, for health and metrics. `answered`: an answer under 500; `rate_limited`: a 429, which is no
 * failure of the service; `abandoned`: the caller left.
 */
export type CallOutcome = {
  endpoint: string;
  outcome: 'answered' | 'rate_limited' | 'unavailable' | 'contract' | 'abandoned';
  status: number | null;
  durationMs: number;
  /** Of the request of ours that caused it. */
  requestId: string | undefined;
};

export type CallEnd = Pick<CallOutcome, 'outcome' | 'status'>;

/** How one call takes part in a trace. */
export type CallTrace = {
  /** What tells the service of the trace. */
  headers: Readonly<Record<string, string>>;
  /** Runs what sends the call. */
  run?: <Result>(task: () => Result) => Result;
  end?: (end: CallEnd) => void;
};

export type CreateDeadline = (ms: number) => AbortSignal;
/** Called as a method, as it has to be. */
export const deadlineByTimer: CreateDeadline = (ms) => AbortSignal.timeout(ms);

export type TransportOptions = {
  /** The address of the Auth Service, without a trailing slash; it may have a path. */
  url: string;
  apiKey: string;
  /** Replaces the endpoints' own deadlines, for calls that come without a signal of their own. */
  deadlineMs?: number | undefined;
  /** A signal that aborts with a `TimeoutError` after so many milliseconds. Default `AbortSignal.timeout`. */
  createDeadline?: CreateDeadline | undefined;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
  onCall?: (outcome: CallOutcome) => void;
  /** Asked before each call; null where it is part of no trace. */
  traceCall?: (endpoint: Endpoint, requestId: string | undefined) => CallTrace | null;
};

/** Whether the service itself failed, as far as its answer tells. */
export const isFailure = ({ status }: Pick<Answer, 'status'>): boolean => status >= 500;

/** Whether the service refused the call because its caller makes too many. */
export const isRateLimited = ({ status }: Pick<Answer, 'status'>): boolean => status === 429;

const isTimeout = (reason: unknown) => reason instanceof Error && reason.name === 'TimeoutError';

const headerOf = (headers: Record<string, string | string[] | undefined>, name: string): string | null => {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
};

const cookieHeader = ({ accessToken, refreshToken }: Exchange): string | null => {
  const cookies = [
    ...(accessToken === undefined ? [] : [`access_token=${accessToken}`]),
    ...(refreshToken === undefined ? [] : [`refresh_token=${refreshToken}`]),
  ];
  return cookies.length === 0 ? null : cookies.join('; ');
};

const unreachable =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPROTO|UND_ERR_CONNECT_TIMEOUT)$|^ERR_TLS|CERT/;
const hungUp = /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/;

/** A connection that was tried by several addresses fails for several reasons, which are alike. */
export const codeOf = (cause: unknown): string => {
  const [first] = cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause];
  return (first as NodeJS.ErrnoException | undefined)?.code ?? '';
};

const endOf = (cause: unknown, isAnswered: boolean): UpstreamEnd => {
  const code = codeOf(cause);
  if (unreachable.test(code)) return 'unreachable';
  return hungUp.test(code) && !isAnswered ? 'hung_up' : 'silent';
};

/** No answer, or none that HTTP can read. The cause is kept for the log. */
const failureToError = (endpoint: Endpoint, cause: unknown, isAnswered: boolean): AppError =>
  cause instanceof errors.ResponseExceededMaxSizeError
    ? new AppError('auth_service_contract', {
        message: `The Auth Service's answer to ${endpoint.name} is larger than ${maxAnswerBytes} bytes.`,
        cause,
      })
    : cause instanceof errors.HTTPParserError
      ? new AppError('auth_service_contract', {
          message: `The Auth Service's answer to ${endpoint.name} is not HTTP.`,
          cause,
        })
      : new AppError('auth_service_unavailable', { cause, retryAfterSeconds: 5, upstream: endOf(cause, isAnswered) });

/**
 * One pool of connections to the Auth Service. Each call has one deadline for all of it; redirects are
 * never followed; of the browser's cookies only the tokens named are sent. Any HTTP answer is returned
 * as it is; `auth_service_unavailable` where there is none, `auth_service_contract` where it cannot be read.
 */
export const createTransport = (options: TransportOptions) => {
  const { url, apiKey, deadlineMs, createDeadline = deadlineByTimer, monotonicNow, onCall, traceCall } = options;
  const base = new URL(url);
  const basePath = base.pathname.replace(/\/+$/, '');
  const now = monotonicNow ?? (() => performance.now());
  const pool: Dispatcher = new Pool(base.origin, {
    connections: maxConnections,
    maxResponseSize: maxAnswerBytes,
    connect: { timeout: 3_000 },
  });

  const send = async (
    endpoint: Endpoint,
    exchange: Exchange,
    traceHeaders: CallTrace['headers'] | undefined,
    onAnswer: () => void,
  ): Promise<Answer> => {
    const query = exchange.query === undefined ? '' : `?${new URLSearchParams(exchange.query).toString()}`;
    const cookie = cookieHeader(exchange);
    const { statusCode, headers, body } = await pool.request({
      method: endpoint.method,
      path: `${basePath}${endpoint.path}${query}`,
      headers: {
        ...traceHeaders,
        accept: 'application/json',
        ...(exchange.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(cookie === null ? {} : { cookie }),
        ...(endpoint.internal === true ? { 'x-api-key': apiKey } : {}),
        ...(exchange.requestId === undefined ? {} : { 'x-request-id': exchange.requestId }),
        // One address, and nothing of what a browser says of itself: the service limits and locks out by it.
        ...(exchange.address === undefined ? {} : { 'x-forwarded-for': exchange.address }),
      },
      body: exchange.json === undefined ? null : JSON.stringify(exchange.json),
      signal: exchange.signal ?? createDeadline(deadlineMs ?? endpoint.deadlineMs),
    });
    onAnswer();
    const setCookie = headers['set-cookie'];
    return {
      status: statusCode,
      date: headerOf(headers, 'date'),
      contentType: headerOf(headers, 'content-type'),
      location: headerOf(headers, 'location'),
      retryAfter: headerOf(headers, 'retry-after'),
      setCookies: setCookie === undefined ? [] : Array.isArray(setCookie) ? setCookie : [setCookie],
      body: await body.text(),
    };
  };

  return {
    async request(endpoint: Endpoint, exchange: Exchange = {}): Promise<Answer> {
      const startedAt = now();
      let isAnswered = false;
      const { requestId } = exchange;
      const trace = traceCall?.(endpoint, requestId) ?? null;
      const report = (outcome: CallOutcome['outcome'], status: number | null) => {
        onCall?.({ endpoint: endpoint.name, outcome, status, durationMs: now() - startedAt, requestId });
        trace?.end?.({ outcome, status });
      };
      const sendIt = () =>
        send(endpoint, exchange, trace?.headers, () => {
          isAnswered = true;
        });
      try {
        const answer = await (trace?.run === undefined ? sendIt() : trace.run(sendIt));
        report(isFailure(answer) ? 'unavailable' : isRateLimited(answer) ? 'rate_limited' : 'answered', answer.status);
        return answer;
      } catch (cause) {
        const error = failureToError(endpoint, cause, isAnswered);
        const isAbandoned = exchange.signal?.aborted === true && !isTimeout(exchange.signal.reason);
        report(isAbandoned ? 'abandoned' : error.reason === 'auth_service_contract' ? 'contract' : 'unavailable', null);
        throw error;
      }
    },
    close: () => pool.destroy(),
  };
};

export type Transport = ReturnType<typeof createTransport>;
