import { useTRPC, useTRPCClient } from '@auth-bff/client/react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { nextFor, type Turn } from './give-ticket.ts';
import type { Ticket, TicketWithHistory } from './ticket-service.ts';
import { ticketKeyOf } from './use-ticket.ts';
import { ticketsKey, useTicketService } from './use-tickets.ts';

/** Assigns a ticket that waits, or hands it on. */
export const useGiveTicket = (id: string) => {
  const calls = useTRPCClient();
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const service = useTicketService();
  /** A turn that is not written into the ticket yet, and after how many events it was given. A retry only writes it. */
  const pending = useRef<{ turn: Turn; events: number } | null>(null);
  const mutationKey = [...ticketKeyOf(id), 'give'];

  const mutation = useMutation({
    mutationKey,
    mutationFn: async (found: TicketWithHistory): Promise<Turn> => {
      if (service === null) throw new Error('The address of the ticket service is not loaded yet.');
      const events = found.history.length;
      const turn = pending.current?.events === events ? pending.current.turn : await nextFor(calls, found);
      if (turn.assignee === null) return turn;
      pending.current = { turn, events };
      const given = await service.assign(id, turn.assignee.id);
      pending.current = null;
      queryClient.setQueryData<TicketWithHistory>(ticketKeyOf(id), given);
      queryClient.setQueryData<Ticket[]>(ticketsKey, (known) =>
        known?.map((ticket) => (ticket.id === id ? given.ticket : ticket)),
      );
      return turn;
    },
    onSettled() {
      void queryClient.invalidateQueries({ queryKey: ticketsKey });
      void queryClient.invalidateQueries(trpc.assignments.pathFilter());
    },
  });
  return {
    ...mutation,
    /** A second click while the first one is under way does nothing. */
    give(found: TicketWithHistory): void {
      if (queryClient.isMutating({ mutationKey }) === 0) mutation.mutate(found);
    },
  };
};
