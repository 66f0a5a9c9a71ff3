import type { FastifyRequest } from 'fastify';
import type { Log } from '../../platform/log.ts';
import type { InFlightRequests } from '../telemetry/request-record.ts';

export type ResponseTimeoutOptions = {
  /** Milliseconds from a request's head to the last byte of its response. Enforced within 10 % more. */
  timeoutMs: number;
  inFlight: Pick<InFlightRequests, 'all'>;
  log: Log;
};

const checksPerTimeout = 10;

/**
 * Closes the connection of a request whose response is not read in time; Node limits only how long a request takes to
 * arrive. One interval checks all in-flight requests, because a timer for each request costs more.
 */
export const createResponseTimeout = ({ timeoutMs, inFlight, log }: ResponseTimeoutOptions) => {
  const check = () => {
    for (const record of inFlight.all()) {
      if (record.timeoutChecks === null) continue;
      record.timeoutChecks += 1;
      // A request may arrive at any time between two checks, so the first interval does not count.
      if (record.timeoutChecks <= checksPerTimeout) continue;
      record.timeoutChecks = null;
      log.debug({ requestId: record.id }, 'Response timeout: the client did not read the response in time.');
      record.socket.destroy();
    }
  };
  const timer = setInterval(check, timeoutMs / checksPerTimeout);
  timer.unref();

  return {
    /** For a response that takes as long as its client listens. */
    exempt: ({ record }: FastifyRequest): void => {
      if (record !== null) record.timeoutChecks = null;
    },
    close: (): void => clearInterval(timer),
  };
};
