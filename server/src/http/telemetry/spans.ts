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
import type { TracingOptions } from './tracing.ts';

type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

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

/** Spans by the OpenTelemetry API. Null if no SDK is registered. */
export const createSpans = ({ url, findRequest }: TracingOptions) => {
  if (!isSdkRegistered()) return null;
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
    /** Runs a task so that spans of other instrumentations, such as Redis commands, become children of the request. */
    runWithin: (span: RequestSpan, task: () => void): void => context.with(span.context, task),
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
    /** Starts the span of one upstream call. */
    startCall,
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

export type Spans = NonNullable<ReturnType<typeof createSpans>>;
