import { errorAction } from '@auth-bff/client';
import { TicketServiceError } from './ticket-service.ts';

/** Whether a repeat in some seconds may succeed. */
export const isOutage = (error: Error): boolean =>
  error instanceof TicketServiceError ? error.status > 501 : ['maintenance', 'slow-down'].includes(errorAction(error));
