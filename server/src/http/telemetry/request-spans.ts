import { context } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import { traceHeadersOf, type Tracing } from './tracing.ts';
import type { OnRequestEnd } from './request-lifetime.ts';

/** Begins a span for each request where somebody traces; else only the headers of a trace go on as they came. */
export const registerRequestSpan = (server: FastifyInstance, tracing: Tracing): void => {
  server.addHook('onRequest', ({ headers, method, notes }, _reply, done) => {
    if (notes === null) return done();
    if (!tracing.isTraced) {
      if (headers.traceparent !== undefined) notes.traceHeaders = traceHeadersOf(headers);
      return done();
    }
    notes.span = tracing.startRequest(headers, method);
    // What others trace, such as calls of Redis, is a child of the request, too.
    context.with(notes.span.context, done);
  });
};

/** Ends the span of a request. */
export const createSpanEnd =
  (tracing: Tracing): OnRequestEnd =>
  ({ method, routeOptions }, { statusCode }, notes) =>
    tracing.endRequest(notes, method, routeOptions.url ?? '', statusCode);
