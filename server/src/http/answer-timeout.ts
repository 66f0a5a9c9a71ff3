import type { FastifyInstance } from 'fastify';
import type { Log } from '../log.ts';

export type AnswerTimeoutOptions = { answerMs: number; log: Log };

/** Cuts whoever takes too long to send a request and read its answer: Node bounds the first alone. */
export const registerAnswerTimeout = (server: FastifyInstance, { answerMs, log }: AnswerTimeoutOptions): void => {
  server.addHook('onRequest', (request, reply, done) => {
    const timer = setTimeout(() => {
      log.debug({ requestId: request.id }, 'The answer was not read in time: the connection is cut.');
      request.raw.socket.destroy();
    }, answerMs);
    timer.unref();
    reply.raw.once('close', () => clearTimeout(timer));
    done();
  });
};
