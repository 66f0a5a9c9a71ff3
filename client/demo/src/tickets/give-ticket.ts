import { reasonOf, type RouterOutputs } from '@auth-bff/client';
import type { useTRPCClient } from '@auth-bff/client/react';
import { roleOf } from './roles.ts';
import type { TicketService, TicketWithHistory } from './ticket-service.ts';

type Calls = ReturnType<typeof useTRPCClient>;
export type Turn = RouterOutputs['assignments']['next'];

/** Everybody who has had the ticket. */
const assigneesOf = ({ history }: TicketWithHistory): number[] =>
  history.flatMap((event) => (event.kind === 'opened' ? [] : [event.to]));

/**
 * The next person for a ticket who has not had it. A ticket without a turn at the BFF gets one, under its id. The BFF forgets
 * a turn after 24 hours: then the ticket gets a new one for this hand-over. A repeated `next` returns the same person.
 */
export const nextFor = async ({ assignments }: Calls, found: TicketWithHistory): Promise<Turn> => {
  const { id, system, turnKey } = found.ticket;
  const exclude = assigneesOf(found);
  const turn = { system, role: roleOf[system], exclude };
  if (turnKey === null) {
    const first = await assignments.next.mutate({ ...turn, key: id });
    // Not so if the BFF, with Redis, remembers a ticket of the same id from before a restart.
    if (first.assignee === null || !exclude.includes(first.assignee.id)) return first;
  }
  try {
    return await assignments.reassign.mutate({ ...turn, key: turnKey ?? id });
  } catch (error) {
    if (reasonOf(error) !== 'assignment_not_found') throw error;
    return assignments.next.mutate({ ...turn, key: `${id}/${exclude.length}` });
  }
};

/** Gives a ticket to the next person, and writes them into it. The ticket stays as it is if nobody is left. */
export const giveTicket = async (
  { calls, service }: { calls: Calls; service: TicketService },
  found: TicketWithHistory,
): Promise<{ turn: Turn; given: TicketWithHistory }> => {
  const turn = await nextFor(calls, found);
  const { assignee } = turn;
  return { turn, given: assignee === null ? found : await service.assign(found.ticket.id, assignee.id) };
};
