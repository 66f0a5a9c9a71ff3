import type { FastifyRequest } from 'fastify';
import type { Log } from '../../platform/log.ts';

export type AnswerTimeoutOptions = {
  /** Milliseconds to send a request and read its answer; whoever takes longer is cut within a tenth more. */
  answerMs: number;
  log: Log;
};

const looksPerTimeout = 10;

/**
 * Cuts whoever takes too long to send a request and read its answer: Node bounds the first alone. All requests are
 * looked at now and then, for a timer of its own costs each of them more.
 */
export const createAnswerTimeout = ({ answerMs, log }: AnswerTimeoutOptions) => {
  /** In the order in which they came, with the number of the look before. */
  const underWay = new Map<FastifyRequest, number>();
  let looks = 0;

  const look = () => {
    looks += 1;
    for (const [request, begunAt] of underWay) {
      // Nothing tells when between two looks it came.
      if (looks - begunAt <= looksPerTimeout) return;
      underWay.delete(request);
      log.debug({ requestId: request.id }, 'The answer was not read in time: the connection is cut.');
      request.raw.socket.destroy();
    }
  };
  const timer = setInterval(look, answerMs / looksPerTimeout);
  timer.unref();

  return {
    begin: (request: FastifyRequest): void => void underWay.set(request, looks),
    end: (request: FastifyRequest): void => void underWay.delete(request),
    close: (): void => clearInterval(timer),
  };
};
