import { isAppError } from '../../errors.ts';
import { endpoints } from '../endpoints.ts';
import { statusToError } from '../response-errors.ts';
import { isRateLimited, type Transport } from '../transport.ts';

export type ProbeOptions = { transport: Pick<Transport, 'request'>; now: () => number };

/**
 * Whether the service answers at all, asked without a token, past every breaker. Throws if it does not, or answers a
 * 5xx. A 429 is an answer.
 */
export const createProbe =
  ({ transport, now }: ProbeOptions) =>
  async (): Promise<void> => {
    const answer = await transport.request(endpoints.validateStaff);
    const error = statusToError(endpoints.validateStaff, answer, now());
    if (isAppError(error, 'auth_service_unavailable') && !isRateLimited(answer)) throw error;
  };
