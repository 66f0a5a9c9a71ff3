import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useDeskConfig } from '../lab/use-desk-config.ts';
import { useLab } from '../lab/lab-context.tsx';
import { createTicketService, type TicketService } from './ticket-service.ts';

export const ticketsKey = ['tickets'];

/** Null until the configuration is loaded. */
export const useTicketService = (): TicketService | null => {
  const { session } = useLab();
  const url = useDeskConfig()?.ticketsUrl;
  return useMemo(() => (url === undefined ? null : createTicketService(session, url)), [session, url]);
};

/** All tickets, the newest first. */
export const useTickets = () => {
  const service = useTicketService();
  return useQuery({
    queryKey: ticketsKey,
    queryFn: () => service?.list() ?? [],
    enabled: service !== null,
  });
};
