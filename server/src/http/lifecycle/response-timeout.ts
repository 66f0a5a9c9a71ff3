import type { FastifyRequest } from 'fastify';
import type { Log } from '../../platform/log.ts';

export type ResponseTimeoutOptions = {
  /** Milliseconds from a request's head to the last byte of its response. Enforced within 10 % more. */
  timeoutMs: number;
  log: Log;
};

const checksPerTimeout = 10;

/**
 * Closes the connection of a request whose response is not read in time; Node limits only how long a request takes to
 * arrive. One interval checks all in-flight requests, because a timer for each request costs more.
 */
export const createResponseTimeout = ({ timeoutMs, log }: ResponseTimeoutOptions) => {
  /** In order of arrival, with the number of the last check before it. */
  const inFlight = new Map<FastifyRequest, number>();
  let checks = 0;

  const check = () => {
    checks += 1;
    for (const [request, arrivedAtCheck] of inFlight) {
      // A request may arrive at any time between two checks, so the first interval does not count.
      if (checks - arrivedAtCheck <= checksPerTimeout) return;
      inFlight.delete(request);
      log.debug({ requestId: request.id }, 'Response timeout: the client did not read the response in time.');
      request.raw.socket.destroy();
    }
  };
  const timer = setInterval(check, timeoutMs / checksPerTimeout);
  timer.unref();

  return {
    begin: (request: FastifyRequest): void => void inFlight.set(request, checks),
    end: (request: FastifyRequest): void => void inFlight.delete(request),
    close: (): void => clearInterval(timer),
  };
};
