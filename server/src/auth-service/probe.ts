import { isAppError } from '../errors.ts';
import { endpoints } from './endpoints.ts';
import { statusToError } from './meaning.ts';
import type { Transport } from './transport.ts';

export type ProbeOptions = { transport: Pick<Transport, 'request'>; now: () => number };

/**
 * Whether the service answers at all, asked with nobody's token, past every breaker. Throws where it does not, or
 * with a 5xx or a 429.
 */
export const createProbe =
  ({ transport, now }: ProbeOptions) =>
  async (): Promise<void> => {
    const answer = await transport.request(endpoints.validateStaff);
    const error = statusToError(endpoints.validateStaff, answer, now());
    if (isAppError(error, 'auth_service_unavailable')) throw error;
  };
