import type { FastifyInstance } from 'fastify';
import type { Assertions } from '../../assertion/assertions.ts';
import { publicDocumentHeaders } from '../public-document.ts';

/** Serves the public keys of assertions. Readable from any origin. */
export const registerJwks = (server: FastifyInstance, { jwks }: Pick<Assertions, 'jwks'>): void => {
  const body = JSON.stringify(jwks);
  server.get('/bff/jwks.json', { config: { cors: false, rateLimit: false } }, (_request, reply) => {
    reply.headers({ ...publicDocumentHeaders, 'content-type': 'application/jwk-set+json' }).send(body);
  });
};
