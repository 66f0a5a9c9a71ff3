import { ageOf } from './age.ts';
import { PersonName } from './person-name.tsx';
import type { Ticket } from './ticket-service.ts';
import type { Name, PersonRef } from './use-names.ts';

type TicketRowProps = { ticket: Ticket; nameOf: (person: PersonRef) => Name; areNamesStale: boolean; isNew: boolean };

export const TicketRow = ({ ticket, nameOf, areNamesStale, isNew }: TicketRowProps) => {
  const { id, title, system, requesterId, requesterType, assigneeId, createdAt } = ticket;
  const assignee = assigneeId === null ? null : ({ type: 'staff', id: assigneeId } as const);
  return (
    <li className="ticket" data-new={isNew || undefined}>
      <span className="ticket-id">{id}</span>
      <h3 className="ticket-title">{title}</h3>
      <span className="badge" data-system={system}>
        {system}
      </span>
      <span className="ticket-people">
        <PersonName
          label="from"
          person={{ type: requesterType, id: requesterId }}
          nameOf={nameOf}
          isStale={areNamesStale}
        />
        <PersonName label="for" person={assignee} nameOf={nameOf} isStale={areNamesStale} />
      </span>
      <time className="ticket-age" dateTime={createdAt}>
        {ageOf(createdAt, Date.now())}
      </time>
    </li>
  );
};
