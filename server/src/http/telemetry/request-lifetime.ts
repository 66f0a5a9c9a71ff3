import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { InFlightRequests, RequestRecord } from './request-record.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null if no hook ran, as for a path that cannot be decoded. */
    record: RequestRecord | null;
  }
}

/** Called once a request is over: answered, or abandoned by its client. */
export type OnRequestEnd = (request: FastifyRequest, reply: FastifyReply, record: RequestRecord) => void;

export type RequestLifetimeOptions = {
  inFlight: InFlightRequests;
  onEnd: readonly OnRequestEnd[];
};

/** Gives each request its record for as long as it is in flight. */
export const registerRequestLifetime = (server: FastifyInstance, { inFlight, onEnd }: RequestLifetimeOptions): void => {
  server.decorateRequest('record', null);
  server.addHook('onRequest', (request, reply, done) => {
    const record = inFlight.begin(request);
    request.record = record;
    // Fastify does not call onResponse if the client disconnected. `close` is emitted once, so that `once` is not needed.
    // First of all listeners: in its own, OpenTelemetry's http instrumentation ends the span that we complete.
    reply.raw.prependListener('close', () => {
      inFlight.end(record);
      for (const notify of onEnd) notify(request, reply, record);
    });
    done();
  });
};
