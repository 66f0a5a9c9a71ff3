import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';

export type SheddingOptions = { isOverloaded: () => boolean };

/** Seconds after which whoever was refused may try again. */
const retryAfterSeconds = 2;

/** Refuses calls while there is more to do than can be done, so that those under way end. Health is always told. */
export const registerShedding = (server: FastifyInstance, { isOverloaded }: SheddingOptions): void => {
  server.addHook('onRequest', (request, _reply, done) => {
    if (!isOverloaded() || request.routeOptions.url?.startsWith('/health/') === true) return done();
    throw new AppError('overloaded', { retryAfterSeconds });
  });
};
