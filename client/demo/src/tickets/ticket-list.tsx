import type { Session } from '@auth-bff/client';
import { useState } from 'react';
import { Icon } from '../desk/icon.tsx';
import { QueryView } from '../desk/query-view.tsx';
import { useWatched } from '../lab/use-watched.ts';
import { SystemChoice } from './system-choice.tsx';
import { type System, systems, type Ticket } from './ticket-service.ts';
import { TicketRow } from './ticket-row.tsx';
import { TicketSkeleton } from './ticket-skeleton.tsx';
import { useNames } from './use-names.ts';
import { useTickets } from './use-tickets.ts';

const choices = ['all', ...systems] as const;

type TicketListProps = { me: Session; openedAtMs: number; onNew: () => void };

/** An employee sees only their own tickets. */
const isFor = ({ user }: Session, { requesterType, requesterId }: Ticket) =>
  user.type === 'staff' || (requesterType === user.type && requesterId === user.id);

export const TicketList = ({ me, openedAtMs, onNew }: TicketListProps) => {
  const [system, setSystem] = useState<'all' | System>('all');
  const query = useTickets();
  const own = (query.data ?? []).filter((ticket) => isFor(me, ticket));
  const nameOf = useNames(own);
  const { areNamesStale } = useWatched();
  const shown = own.filter((ticket) => system === 'all' || ticket.system === system);

  return (
    <section className="card tickets-card" aria-labelledby="tickets-title">
      <header className="card-head">
        <div>
          <h2 id="tickets-title">{me.user.type === 'staff' ? 'Tickets' : 'My tickets'}</h2>
          <p className="sub" role="status" data-stale={areNamesStale || undefined}>
            {query.data === undefined ? 'Loading…' : `${shown.length} ${shown.length === 1 ? 'ticket' : 'tickets'}`}
            {areNamesStale ? (
              <>
                {' · '}
                <span className="visually-hidden">names as </span>last known
              </>
            ) : null}
          </p>
        </div>
        <button type="button" className="primary" onClick={onNew}>
          <Icon name="plus" />
          New ticket
        </button>
      </header>
      <SystemChoice
        legend="Show the tickets of"
        name="shown-system"
        choices={choices}
        labelOf={(choice) => (choice === 'all' ? 'All' : choice)}
        value={system}
        onChange={setSystem}
      />
      <QueryView query={query} subject="The list of tickets" skeleton={<TicketSkeleton rows={12} />}>
        {() =>
          shown.length === 0 ? (
            <div className="empty">
              <Icon name="ticket" />
              <p className="note-title">No tickets here</p>
              <p>{system === 'all' ? 'Your tickets are listed here.' : `Nothing is open for ${system}.`}</p>
            </div>
          ) : (
            <ul className="tickets" aria-label="Tickets">
              {shown.map((ticket) => (
                <TicketRow
                  key={ticket.id}
                  ticket={ticket}
                  nameOf={nameOf}
                  areNamesStale={areNamesStale}
                  isNew={Date.parse(ticket.createdAt) > openedAtMs}
                />
              ))}
            </ul>
          )
        }
      </QueryView>
    </section>
  );
};
