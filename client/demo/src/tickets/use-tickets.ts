import { useAuthClient } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useDeskConfig } from '../lab/use-desk-config.ts';
import { createTicketService, type TicketService } from './ticket-service.ts';

/** Also the start of the keys of single tickets. */
export const ticketsKey = ['tickets'];

/** Null until the configuration is loaded. */
export const useTicketService = (): TicketService | null => {
  const { session } = useAuthClient();
  const url = useDeskConfig()?.ticketsUrl;
  return useMemo(() => (url === undefined ? null : createTicketService(session, url)), [session, url]);
};

/** The tickets that the person may see, the newest first. */
export const useTickets = () => {
  const service = useTicketService();
  return useQuery({
    queryKey: ticketsKey,
    queryFn: () => service?.list() ?? [],
    enabled: service !== null,
  });
};
