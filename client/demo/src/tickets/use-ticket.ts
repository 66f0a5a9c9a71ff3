import { skipToken, useQuery } from '@tanstack/react-query';
import { TicketServiceError } from './ticket-service.ts';
import { ticketsKey, useTicketService } from './use-tickets.ts';

const maxRetries = 3;

export const ticketKeyOf = (id: string) => [...ticketsKey, id];

/** No other text is asked for. */
export const isTicketId = (id: string): boolean => /^T-\d{1,9}$/.test(id);

/** A ticket with its history. */
export const useTicket = (id: string) => {
  const service = useTicketService();
  return useQuery({
    queryKey: ticketKeyOf(id),
    queryFn: service === null || !isTicketId(id) ? skipToken : () => service.byId(id),
    // A repeat would have the same answer.
    retry: (failures, error) => failures < maxRetries && !(error instanceof TicketServiceError && error.status < 500),
  });
};
