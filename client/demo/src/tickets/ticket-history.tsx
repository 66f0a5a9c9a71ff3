import { PersonName } from './person-name.tsx';
import type { PersonRef, System, TicketEvent } from './ticket-service.ts';
import { timeOf } from './time-words.ts';
import type { NameOf } from './use-names.ts';

type TicketHistoryProps = {
  history: readonly TicketEvent[];
  system: System;
  nameOf: NameOf;
  areNamesStale: boolean;
};

const staff = (id: number): PersonRef => ({ type: 'staff', id });

/** What happened to a ticket, the oldest first. People who may not see the names of staff are told less. */
export const TicketHistory = ({ history, system, nameOf, areNamesStale }: TicketHistoryProps) => {
  const name = (person: PersonRef, hidden = `a member of ${system}`) => (
    <PersonName
      person={person}
      nameOf={nameOf}
      isStale={areNamesStale}
      hidden={person.type === 'staff' ? hidden : 'an employee'}
    />
  );
  const by = (person: PersonRef) => (nameOf(person).is === 'hidden' ? null : <> by {name(person)}</>);
  const wordsOf = (event: TicketEvent) => {
    if (event.kind === 'opened') return <>Opened by {name(event.by)}</>;
    if (event.kind === 'assigned') {
      return (
        <>
          Assigned to {name(staff(event.to))}
          {by(event.by)}
        </>
      );
    }
    if (nameOf(staff(event.to)).is === 'hidden') return <>Handed on to another member of {system}</>;
    return (
      <>
        Handed on from {name(staff(event.from))} to {name(staff(event.to))}
        {by(event.by)}
      </>
    );
  };
  return (
    <ol className="ticket-history" aria-labelledby="ticket-history-title">
      {history.map((event, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- events are only added at the end
        <li key={index}>
          <span>{wordsOf(event)}</span>
          <time dateTime={event.at}>{timeOf(event.at)}</time>
        </li>
      ))}
    </ol>
  );
};
