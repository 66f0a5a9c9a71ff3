import { PersonName } from './person-name.tsx';
import type { Ticket } from './ticket-service.ts';
import type { Name, PersonRef } from './use-names.ts';

const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** A relative time, such as "2 hr. ago". */
const ageOf = (createdAt: string, nowMs: number): string => {
  const ageMs = nowMs - Date.parse(createdAt);
  for (const [unit, ms] of units) if (ageMs >= ms) return format.format(-Math.floor(ageMs / ms), unit);
  return 'just now';
};

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
