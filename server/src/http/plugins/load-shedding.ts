import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';
import { routePatternOf } from '../route-pattern.ts';

export type LoadSheddingOptions = { isOverloaded: () => boolean };

const retryAfterSeconds = 2;

/** Rejects calls with 503 while the process is overloaded, so that in-flight calls can finish. Health checks still pass. */
export const registerLoadShedding = (server: FastifyInstance, { isOverloaded }: LoadSheddingOptions): void => {
  server.addHook('onRequest', (request, _reply, done) => {
    if (!isOverloaded() || routePatternOf(request).startsWith('/health/')) return done();
    throw new AppError('overloaded', { retryAfterSeconds });
  });
};
