import type { Session } from '@auth-bff/client';
import { useTRPC, useTRPCClient } from '@auth-bff/client/react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { rightsOf } from '../desk/rights.ts';
import { roleOf } from './roles.ts';
import type { System, Ticket } from './ticket-service.ts';
import { ticketsKey, useTicketService } from './use-tickets.ts';

/** `key` is an idempotency key: a repeated request assigns once and opens one ticket. */
export type OpenTicket = { title: string; system: System; key: string };
export type OpenedTicket = { ticket: Ticket; assigneeName: string | null };

const maxTicketsKept = 500;

/** Opens the ticket. In one's own systems, the next person gets it; elsewhere it waits for a member. Idempotent. */
export const useOpenTicket = (me: Session) => {
  const calls = useTRPCClient();
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const service = useTicketService();

  return useMutation({
    mutationFn: async ({ title, system, key }: OpenTicket): Promise<OpenedTicket> => {
      if (service === null) throw new Error('The address of the ticket service is not loaded yet.');
      const turn = rightsOf(me).systems.includes(system)
        ? await calls.assignments.next.mutate({ system, role: roleOf[system], key })
        : null;
      const assignee = turn?.assignee ?? null;
      const ticket = await service.create({ title, system, assigneeId: assignee?.id ?? null, key });
      return {
        ticket,
        assigneeName: assignee === null ? null : `${assignee.firstName} ${assignee.lastName}`,
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
