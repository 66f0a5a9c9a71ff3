import type { Session } from '@auth-bff/client';
import { useTRPC, useTRPCClient } from '@auth-bff/client/react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { roleOf } from './roles.ts';
import type { System, Ticket } from './ticket-service.ts';
import { ticketsKey, useTicketService } from './use-tickets.ts';

/** `key` names the ticket before it has an id: the same key again assigns nobody twice, and opens no second ticket. */
export type OpenTicket = { title: string; system: System; key: string };
export type OpenedTicket = { ticket: Ticket; assigneeName: string | null; replayed: boolean };

const maxTicketsKept = 500;

/** Takes the next turn and opens the ticket with whom it falls to. Safe to repeat. */
export const useOpenTicket = (me: Session) => {
  const calls = useTRPCClient();
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const service = useTicketService();

  return useMutation({
    mutationFn: async ({ title, system, key }: OpenTicket): Promise<OpenedTicket> => {
      if (service === null) throw new Error('It is not known yet where the ticket service is.');
      // Turns are for staff to hand out: what others ask for waits until one of them does.
      const turn =
        me.user.type === 'staff' ? await calls.assignments.next.mutate({ system, role: roleOf[system], key }) : null;
      const assignee = turn?.assignee ?? null;
      const ticket = await service.create({ title, system, assigneeId: assignee?.id ?? null, key });
      return {
        ticket,
        assigneeName: assignee === null ? null : `${assignee.firstName} ${assignee.lastName}`,
        replayed: turn?.assignee != null && turn.replayed,
      };
    },
    onSuccess({ ticket }) {
      queryClient.setQueryData<Ticket[]>(ticketsKey, (known) =>
        known === undefined || known.some(({ id }) => id === ticket.id)
          ? known
          : [ticket, ...known].slice(0, maxTicketsKept),
      );
      void queryClient.invalidateQueries({ queryKey: ticketsKey });
      void queryClient.invalidateQueries(trpc.assignments.pathFilter());
    },
  });
};
