import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { requestIdHeader, requestIdPattern } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';

/** The caller's own request id where it has the agreed form, and a new one otherwise. */
export const requestIdOf = ({ headers }: Pick<IncomingMessage, 'headers'>): string => {
  const own = headers[requestIdHeader];
  return typeof own === 'string' && requestIdPattern.test(own) ? own : randomUUID();
};

/** Puts the request's id on every answer. */
export const registerRequestId = (server: FastifyInstance): void => {
  server.addHook('onRequest', (request, reply, done) => {
    reply.header(requestIdHeader, request.id);
    done();
  });
};
