import { context } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import { routePatternOf } from '../route-pattern.ts';
import type { OnRequestEnd } from './request-lifetime.ts';
import { traceIdsOfHeader } from './log-with-trace.ts';
import { traceHeadersOf, type Tracing } from './tracing.ts';

/** Starts a span for each request if an SDK is registered. Otherwise the trace headers are only passed on. */
export const registerRequestSpans = (server: FastifyInstance, tracing: Tracing): void => {
  server.addHook('onRequest', ({ headers, method, record }, _reply, done) => {
    if (record === null) return done();
    if (!tracing.isTraced) {
      if (headers.traceparent === undefined) return done();
      record.traceHeaders = traceHeadersOf(headers);
      record.trace = record.traceHeaders && traceIdsOfHeader(record.traceHeaders.traceparent);
      return done();
    }
    record.span = tracing.startRequest(headers, method);
    const { traceId, spanId } = record.span.span.spanContext();
    record.trace = { trace_id: traceId, span_id: spanId };
    // Makes spans of other instrumentations, such as Redis commands, children of the request.
    context.with(record.span.context, done);
  });
};

/** Ends the span of a request. */
export const createSpanEnd =
  (tracing: Tracing): OnRequestEnd =>
  (request, { statusCode }, record) =>
    tracing.endRequest(record, request.method, routePatternOf(request), statusCode);
