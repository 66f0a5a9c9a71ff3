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
 * a turn after 24 hours: then the ticket gets a new one for this hand-over. A repeat of either returns the same person.
 */
export const nextFor = async (calls: Calls, found: TicketWithHistory): Promise<Turn> => {
  const { id, system, turnKey } = found.ticket;
  const turn = { system, role: roleOf[system], exclude: assigneesOf(found) };
  if (turnKey === null) return calls.assignments.next.mutate({ ...turn, key: id });
  try {
    return await calls.assignments.reassign.mutate({ ...turn, key: turnKey });
  } catch (error) {
    if (reasonOf(error) !== 'assignment_not_found') throw error;
    return calls.assignments.next.mutate({ ...turn, key: `${id}/${turn.exclude.length}` });
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
