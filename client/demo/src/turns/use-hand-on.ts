import { useTRPC, useTRPCClient } from '@auth-bff/client/react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ticketsKey, useTicketService } from '../tickets/use-tickets.ts';

type HandOn = { system: string; role: string; key: string };

/** Hands a ticket on to the next person who has not had it, and writes that person into the ticket. */
export const useHandOn = () => {
  const calls = useTRPCClient();
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const service = useTicketService();
  return useMutation({
    mutationFn: async (turn: HandOn) => {
      const { assignee } = await calls.assignments.reassign.mutate(turn);
      // Nobody is left: the ticket stays with its assignee.
      if (assignee !== null) await service?.assign({ key: turn.key, assigneeId: assignee.id });
    },
    onSettled() {
      void queryClient.invalidateQueries({ queryKey: ticketsKey });
      void queryClient.invalidateQueries(trpc.assignments.pathFilter());
    },
  });
};
