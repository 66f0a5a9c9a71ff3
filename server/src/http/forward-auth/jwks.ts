import type { FastifyInstance } from 'fastify';
import type { Assertions } from '../../assertion/assertions.ts';
import { publicDocumentHeaders } from '../public-document.ts';

/** Serves the public keys of assertions. Readable from any origin. */
export const registerJwks = (server: FastifyInstance, { jwks }: Pick<Assertions, 'jwks'>): void => {
  server.get('/bff/jwks.json', { config: { cors: false, rateLimit: false } }, async (_request, reply) => {
    const body = JSON.stringify(await jwks());
    return reply.headers({ ...publicDocumentHeaders, 'content-type': 'application/jwk-set+json' }).send(body);
  });
};
