import { setMaxListeners } from 'node:events';
import type { FastifyReply } from 'fastify';
import { AppError } from '../errors.ts';

/** Aborts when the client hangs up before it has its answer: what is asked for nobody else need not be asked any more. */
export const createLeftSignal = (reply: FastifyReply): AbortSignal => {
  const left = new AbortController();
  // Each call of a batch, and each id of a call, listens.
  setMaxListeners(0, left.signal);
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) left.abort(new AppError('auth_service_unavailable', { cause: 'the client left' }));
  });
  return left.signal;
};
