import { PersonName } from './person-name.tsx';
import { hrefOf, openTicket } from './ticket-link.ts';
import type { Ticket } from './ticket-service.ts';
import { ageOf } from './time-words.ts';
import type { NameOf } from './use-names.ts';

type TicketRowProps = { ticket: Ticket; nameOf: NameOf; areNamesStale: boolean; isNew: boolean };

/** Who has the ticket. A person who may not see names of staff sees the system. */
const Assignee = ({ ticket, nameOf, areNamesStale }: Omit<TicketRowProps, 'isNew'>) => {
  const { assigneeId, system } = ticket;
  if (assigneeId === null) return <span className="person person-label">unassigned</span>;
  const person = { type: 'staff', id: assigneeId } as const;
  return (
    <span className="person">
      <span className="person-label">{nameOf(person).is === 'hidden' ? 'assigned to' : 'for'}</span>
      <PersonName person={person} nameOf={nameOf} isStale={areNamesStale} hidden={system} />
    </span>
  );
};

/** A ticket of the list. Its title is a link that covers the row. */
export const TicketRow = ({ ticket, nameOf, areNamesStale, isNew }: TicketRowProps) => {
  const { id, title, system, requesterId, requesterType, createdAt } = ticket;
  return (
    <li className="ticket" data-new={isNew || undefined}>
      <span className="ticket-id">{id}</span>
      <h3 className="ticket-title">
        <a className="ticket-link" href={hrefOf(id)} onClick={(event) => openTicket(event, id)}>
          {title}
        </a>
      </h3>
      <span className="badge" data-system={system}>
        {system}
      </span>
      <span className="ticket-people">
        <span className="person">
          <span className="person-label">from</span>
          <PersonName
            person={{ type: requesterType, id: requesterId }}
            nameOf={nameOf}
            isStale={areNamesStale}
            hidden="an employee"
          />
        </span>
        <Assignee ticket={ticket} nameOf={nameOf} areNamesStale={areNamesStale} />
      </span>
      <time className="ticket-age" dateTime={createdAt}>
        {ageOf(createdAt, Date.now())}
      </time>
    </li>
  );
};
