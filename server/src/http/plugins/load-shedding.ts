import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';

export type LoadSheddingOptions = { isOverloaded: () => boolean };

const retryAfterSeconds = 2;

/** Rejects calls with 503 while the process is overloaded, so that in-flight calls can finish. Health checks still pass. */
export const registerLoadShedding = (server: FastifyInstance, { isOverloaded }: LoadSheddingOptions): void => {
  server.addHook('onRequest', (request, _reply, done) => {
    if (!isOverloaded() || request.routeOptions.url?.startsWith('/health/') === true) return done();
    throw new AppError('overloaded', { retryAfterSeconds });
  });
};
