import {
  context,
  type Context,
  createContextKey,
  defaultTextMapGetter,
  propagation,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Endpoint } from '../../auth-service/endpoints.ts';
import type { CallEnd, CallTrace } from '../../auth-service/transport.ts';
import { activeServerSpan, hideUrl } from './active-server-span.ts';
import type { RequestRecord } from './request-record.ts';

type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

export type TracingOptions = {
  /** The address of the Auth Service. */
  url: string;
  /** The record of an in-flight request, which holds its span. */
  findRequest: (requestId: string | undefined) => RequestRecord | undefined;
};

/** W3C Trace Context, section 3.2: version 00, and neither id all zeros. */
const traceparentPattern = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
/** W3C Trace Context, section 3.3.1: comma-separated `key=value` members. Vendors only have to propagate 512 characters. */
const tracestatePattern =
  /^[a-z\d][a-z\d_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}(,[ \t]{0,2}[a-z\d][a-z\d_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}){0,31}$/;
const maxTracestateLength = 512;

/** Trace headers of a caller that may be passed on unchanged. */
export type TraceHeaders = { traceparent: string; tracestate?: string };

/** Null: there is no valid `traceparent`. */
export const traceHeadersOf = ({ traceparent, tracestate }: IncomingHeaders): TraceHeaders | null => {
  if (typeof traceparent !== 'string' || !traceparentPattern.test(traceparent)) return null;
  const isPassable =
    typeof tracestate === 'string' && tracestate.length <= maxTracestateLength && tracestatePattern.test(tracestate);
  return isPassable ? { traceparent, tracestate } : { traceparent };
};

/** The span of a request. `isOwn`: this BFF started it and has to end it. */
export type RequestSpan = { span: Span; context: Context; isOwn: boolean };

/** Without an SDK every span is a no-op, and creating it is wasted work. */
const isSdkRegistered = (): boolean => {
  const provider = trace.getTracerProvider();
  return !(
    provider instanceof ProxyTracerProvider && provider.getDelegate() === new ProxyTracerProvider().getDelegate()
  );
};

/** Clients may continue a trace, but their baggage is dropped: it would reach the Auth Service unchecked. */
const parentOf = (headers: IncomingHeaders): Context => {
  const parent = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers, defaultTextMapGetter));
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
};

/**
 * The key by which the SDK suppresses spans (`suppressTracing` of `@opentelemetry/core`). In an upstream call, undici's
 * instrumentation would start a second CLIENT span, with the URL, and send a second `traceparent`.
 */
const suppressTracingKey = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/**
 * Spans by the OpenTelemetry API, if an SDK is registered before the app is created. Without an SDK, a valid `traceparent`
 * is passed on to the Auth Service unchanged, so that the trace does not break here.
 */
export const createTracing = ({ url, findRequest }: TracingOptions) => {
  const isTraced = isSdkRegistered();
  const tracer = trace.getTracer('@auth-bff/server');
  const { hostname, port, protocol } = new URL(url);
  const serverPort = Number(port) || (protocol === 'https:' ? 443 : 80);

  const startCall = (endpoint: Endpoint, requestId: string | undefined): CallTrace => {
    const parent = findRequest(requestId)?.span?.context ?? ROOT_CONTEXT;
    // No URL: it contains ids of people.
    const attributes = {
      'http.request.method': endpoint.method,
      'server.address': hostname,
      'server.port': serverPort,
      'auth_bff.endpoint': endpoint.name,
    };
    const span = tracer.startSpan(`${endpoint.method} ${endpoint.name}`, { kind: SpanKind.CLIENT, attributes }, parent);
    const within = trace.setSpan(parent, span);
    const headers: Record<string, string> = {};
    propagation.inject(within, headers);
    return {
      headers,
      run: (task) => context.with(within.setValue(suppressTracingKey, true), task),
      end: (end) => endCall(span, end),
    };
  };

  return {
    isTraced,
    /** Starts the span of a request. Spans of its upstream calls become children. */
    startRequest(headers: IncomingHeaders, method: string): RequestSpan {
      const active = activeServerSpan();
      if (active !== undefined) {
        return { span: active, context: trace.setSpan(ROOT_CONTEXT, active), isOwn: false };
      }
      const parent = parentOf(headers);
      const span = tracer.startSpan(
        method,
        { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } },
        parent,
      );
      return { span, context: trace.setSpan(parent, span), isOwn: true };
    },
    /** Completes the span of a request, and ends it if it is our own. `route` is the pattern of the path, or empty if no route matched. */
    endRequest(
      { span, procedures, calls, reasons }: RequestRecord,
      method: string,
      route: string,
      status: number,
    ): void {
      if (span === null) return;
      const isCall = procedures.length > 0;
      // Span names must have low cardinality, and a batch can combine procedures in any way.
      const called = procedures.length === 1 ? `trpc ${procedures[0]}` : 'trpc batch';
      span.span.updateName(isCall ? called : `${method} ${route}`.trim());
      span.span.setAttributes({
        'http.response.status_code': status,
        ...(route === '' ? {} : { 'http.route': route }),
        ...(span.isOwn ? {} : hideUrl(span.span, route)),
        ...(isCall ? { 'rpc.system': 'trpc', 'auth_bff.calls': calls, 'auth_bff.procedures': procedures } : {}),
        ...(procedures.length === 1 ? { 'rpc.method': procedures[0] } : {}),
        ...(reasons.length === 0 ? {} : { 'auth_bff.reasons': reasons }),
      });
      if (status >= 500) {
        span.span.setAttribute('error.type', reasons[0] ?? String(status));
        span.span.setStatus({ code: SpanStatusCode.ERROR });
      }
      if (span.isOwn) span.span.end();
    },
    /** Traces one upstream call. Null: there is no trace to continue. */
    traceCall(endpoint: Endpoint, requestId: string | undefined): CallTrace | null {
      if (isTraced) return startCall(endpoint, requestId);
      const headers = findRequest(requestId)?.traceHeaders ?? null;
      return headers === null ? null : { headers };
    },
  };
};

const endCall = (span: Span, { outcome, status }: CallEnd): void => {
  if (status !== null) span.setAttribute('http.response.status_code', status);
  if (outcome === 'unavailable' || outcome === 'contract' || outcome === 'rate_limited') {
    span.setAttribute('error.type', status === null ? outcome : String(status));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
};

export type Tracing = ReturnType<typeof createTracing>;
