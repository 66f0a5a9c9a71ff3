import { isAppError } from '../../errors.ts';
import { endpoints } from '../endpoints.ts';
import { statusToError } from '../response-errors.ts';
import { isRateLimited, type Transport } from '../transport.ts';

export type ProbeOptions = { transport: Pick<Transport, 'request'>; now: () => number };

/**
 * Calls the service without a token and past the breakers. Throws if there is no response, or for a 5xx. A 429 counts as
 * healthy.
 */
export const createProbe =
  ({ transport, now }: ProbeOptions) =>
  async (): Promise<void> => {
    const response = await transport.request(endpoints.validateStaff);
    const error = statusToError(endpoints.validateStaff, response, now());
    if (isAppError(error, 'auth_service_unavailable') && !isRateLimited(response)) throw error;
  };
