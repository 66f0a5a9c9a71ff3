import { useTRPC, useTRPCClient } from '@auth-bff/client/react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { giveTicket } from '../tickets/give-ticket.ts';
import { ticketsKey, useTicketService } from '../tickets/use-tickets.ts';

type HandOn = { system: string; role: string; key: string };

/** Hands the ticket of a turn on to the next person who has not had it, and writes that person into the ticket. */
export const useHandOn = () => {
  const calls = useTRPCClient();
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const service = useTicketService();
  return useMutation({
    mutationFn: async (turn: HandOn) => {
      const ticket = (await service?.list())?.find(({ turnKey }) => turnKey === turn.key);
      // A turn that was given without a ticket.
      if (service === null || ticket === undefined) await calls.assignments.reassign.mutate(turn);
      else await giveTicket({ calls, service }, await service.byId(ticket.id));
    },
    onSettled() {
      void queryClient.invalidateQueries({ queryKey: ticketsKey });
      void queryClient.invalidateQueries(trpc.assignments.pathFilter());
    },
  });
};
