import type { Session } from '@auth-bff/client';
import { useRef, useState } from 'react';
import { Icon } from '../desk/icon.tsx';
import { QueryView } from '../desk/query-view.tsx';
import { rightsOf } from '../desk/rights.ts';
import { useWatched } from '../lab/use-watched.ts';
import { EmptyList } from './empty-list.tsx';
import { PageNav } from './page-nav.tsx';
import { SystemChoice } from './system-choice.tsx';
import { type System, systems, type Ticket } from './ticket-service.ts';
import { TicketRow } from './ticket-row.tsx';
import { TicketSkeleton } from './ticket-skeleton.tsx';
import { peopleOf, useNames } from './use-names.ts';
import { usePages } from './use-pages.ts';
import { useTickets } from './use-tickets.ts';

type TicketListProps = {
  me: Session;
  openedAtMs: number;
  onNew: () => void;
  /** Whether the dialog for a new ticket covers the list. */
  isCovered: boolean;
};

/** The systems of which the list can hold tickets: one's own, and those of one's own tickets. */
const systemsOf = (me: Session, tickets: readonly Ticket[]): System[] => {
  const own = rightsOf(me).systems;
  return systems.filter((system) => own.includes(system) || tickets.some((ticket) => ticket.system === system));
};

export const TicketList = ({ me, openedAtMs, onNew, isCovered }: TicketListProps) => {
  const [chosen, setChosen] = useState<'all' | System>('all');
  const query = useTickets();
  // A covered list stays still: new rows would move it behind the dialog.
  const [held, setHeld] = useState(query.data);
  if (held !== query.data && !(isCovered && held !== undefined && held.length > 0)) setHeld(query.data);
  const tickets = held ?? [];
  const choices = systemsOf(me, tickets);
  const system = chosen !== 'all' && choices.includes(chosen) ? chosen : 'all';
  const matching = tickets.filter((ticket) => system === 'all' || ticket.system === system);
  const { shown, pages } = usePages(matching);
  const nameOf = useNames(shown.flatMap(peopleOf), me);
  const { areNamesStale } = useWatched();
  const card = useRef<HTMLElement>(null);

  // A ticket that the person has just opened is the first of the first page.
  const newestOwn = tickets.find(
    ({ requesterType: type, requesterId: id }) => type === me.user.type && id === me.user.id,
  );
  const [lastOwn, setLastOwn] = useState<string>();
  if (newestOwn !== undefined && newestOwn.id !== lastOwn) {
    setLastOwn(newestOwn.id);
    if (Date.parse(newestOwn.createdAt) > openedAtMs) pages.turnTo(0);
  }

  return (
    <section className="card tickets-card" aria-labelledby="tickets-title" ref={card}>
      <div className="tickets-head">
        <header className="card-head">
          <div>
            <h2 id="tickets-title" tabIndex={-1}>
              {rightsOf(me).systems.length > 0 ? 'Tickets' : 'My tickets'}
            </h2>
            <p className="sub" role="status" data-stale={areNamesStale || undefined}>
              {query.data === undefined
                ? 'Loading…'
                : `${matching.length} ${matching.length === 1 ? 'ticket' : 'tickets'}`}
              {areNamesStale ? (
                <>
                  {' · '}
                  <span className="visually-hidden">names as </span>last known
                </>
              ) : null}
            </p>
          </div>
          <button type="button" className="primary" id="new-ticket-button" onClick={onNew}>
            <Icon name="plus" />
            New ticket
          </button>
        </header>
        {choices.length > 1 ? (
          <SystemChoice
            legend="Show the tickets of"
            name="shown-system"
            choices={['all', ...choices]}
            labelOf={(choice) => (choice === 'all' ? 'All' : choice)}
            value={system}
            onChange={(choice) => {
              setChosen(choice);
              pages.turnTo(0);
            }}
          />
        ) : null}
      </div>
      <QueryView query={query} subject="The list of tickets" skeleton={<TicketSkeleton rows={12} />}>
        {() =>
          matching.length === 0 ? (
            <EmptyList system={system} onNew={onNew} />
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
      {pages.count > 1 ? (
        <PageNav pages={pages} onTurn={() => card.current?.scrollIntoView({ block: 'start' })} />
      ) : null}
    </section>
  );
};
