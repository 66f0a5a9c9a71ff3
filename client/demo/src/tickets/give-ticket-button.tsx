import { errorAction } from '@auth-bff/client';
import { useState } from 'react';
import { retryAfterOf } from '../desk/retry-after.ts';
import { AutomaticRetry } from './automatic-retry.tsx';
import type { Turn } from './give-ticket.ts';
import { isOutage } from './outage.ts';
import { type System, TicketServiceError, type TicketWithHistory } from './ticket-service.ts';
import { useGiveTicket } from './use-give-ticket.ts';

const outcomeOf = (turn: Turn, { ticket: { assigneeId, system } }: TicketWithHistory): string => {
  if (turn.assignee === null) {
    const words = {
      no_candidates: `No person of ${system} can take a ticket.`,
      all_excluded: `Nobody else is left: everybody of ${system} has had this ticket.`,
      all_away: `Nobody else is left: the others of ${system} are away or have had this ticket.`,
    };
    return words[turn.reason];
  }
  const { firstName, lastName } = turn.assignee;
  return `${assigneeId === null ? 'Assigned' : 'Handed on'} to ${firstName} ${lastName}.`;
};

const wordsOf = (error: Error, system: System): string => {
  if (errorAction(error) === 'access-denied') return `Your role may not assign tickets of ${system}.`;
  return error instanceof TicketServiceError ? error.message : `It was not assigned: ${error.message}`;
};

/** Gives a ticket to the next person in turn, with one click. */
export const GiveTicketButton = ({ found }: { found: TicketWithHistory }) => {
  const { id, system, assigneeId } = found.ticket;
  const { give, data: turn, variables, error, isPending } = useGiveTicket(id);
  const [failedAtMs, setFailedAtMs] = useState(0);
  const [lastError, setLastError] = useState<Error | null>(null);
  if (error !== lastError) {
    setLastError(error);
    if (error !== null) setFailedAtMs(Date.now());
  }
  const dueAtMs = error !== null && isOutage(error) ? failedAtMs + retryAfterOf(error) * 1000 : null;
  const label = assigneeId === null ? 'Assign' : 'Hand on';
  return (
    <div className="give-ticket">
      <div className="give-message">
        <p className={turn?.assignee === null ? 'sub' : 'field-success'} role="status">
          {turn === undefined || variables === undefined ? '' : outcomeOf(turn, variables)}
        </p>
        {error === null ? null : dueAtMs === null ? (
          <p className="field-error" role="alert">
            {wordsOf(error, system)}
          </p>
        ) : (
          <AutomaticRetry words="Retrying automatically" dueAtMs={dueAtMs} retry={() => give(found)} />
        )}
      </div>
      <button type="button" className="primary" aria-busy={isPending} onClick={() => give(found)}>
        {isPending ? (assigneeId === null ? 'Assigning…' : 'Handing on…') : label}
      </button>
    </div>
  );
};
