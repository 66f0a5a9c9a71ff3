import type { FastifyInstance } from 'fastify';
import { routePatternOf } from '../route-pattern.ts';
import type { OnRequestEnd } from './request-lifetime.ts';
import { traceIdsOfHeader } from './log-with-trace.ts';
import { traceHeadersOf, type Tracing } from './tracing.ts';

/** Starts a span for each request if an SDK is registered. Otherwise the trace headers are only passed on. */
export const registerRequestSpans = (server: FastifyInstance, tracing: Tracing): void => {
  const { spans } = tracing;
  server.addHook('onRequest', ({ headers, method, record }, _reply, done) => {
    if (record === null) return done();
    if (spans === null) {
      if (headers.traceparent === undefined) return done();
      record.traceHeaders = traceHeadersOf(headers);
      record.trace = record.traceHeaders && traceIdsOfHeader(record.traceHeaders.traceparent);
      return done();
    }
    record.span = spans.startRequest(headers, method);
    const { traceId, spanId } = record.span.span.spanContext();
    record.trace = { trace_id: traceId, span_id: spanId };
    spans.runWithin(record.span, done);
  });
};

/** Ends the span of a request. */
export const createSpanEnd =
  (tracing: Tracing): OnRequestEnd =>
  (request, { statusCode }, record) =>
    tracing.spans?.endRequest(record, request.method, routePatternOf(request), statusCode);
