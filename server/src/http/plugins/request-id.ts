import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { requestIdHeader, requestIdPattern } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';

/** The caller's request id if it has a valid format, otherwise a new one. */
export const requestIdOf = ({ headers }: Pick<IncomingMessage, 'headers'>): string => {
  const own = headers[requestIdHeader];
  return typeof own === 'string' && requestIdPattern.test(own) ? own : randomUUID();
};

/** Adds the request id to every response. */
export const registerRequestId = (server: FastifyInstance): void => {
  server.addHook('onSend', (request, reply, payload, done) => {
    reply.header(requestIdHeader, request.id);
    done(null, payload);
  });
};
