import type { Session } from '@auth-bff/client';
import { Facts, type FactsProps } from '../desk/facts.tsx';
import { rightsOf } from '../desk/rights.ts';
import { useWatched } from '../lab/use-watched.ts';
import { ageOf, timeOf } from './time-words.ts';
import { GiveTicketButton } from './give-ticket-button.tsx';
import { PersonName } from './person-name.tsx';
import { TicketHistory } from './ticket-history.tsx';
import type { PersonRef, TicketWithHistory } from './ticket-service.ts';
import { peopleIn, peopleOf, useNames } from './use-names.ts';

/** All about a ticket. Staff of its system assign it, or hand it on. */
export const TicketDetails = ({ found, me }: { found: TicketWithHistory; me: Session }) => {
  const { ticket, history } = found;
  const { system, requesterType, requesterId, assigneeId, createdAt } = ticket;
  const nameOf = useNames([...peopleOf(ticket), ...peopleIn(history)], me);
  const { areNamesStale } = useWatched();
  const name = (person: PersonRef) => (
    <PersonName
      person={person}
      nameOf={nameOf}
      isStale={areNamesStale}
      hidden={person.type === 'staff' ? `a member of ${system}` : 'an employee'}
    />
  );
  const facts: FactsProps['facts'] = [
    ['Asked by', name({ type: requesterType, id: requesterId })],
    ['Assigned to', assigneeId === null ? 'nobody yet' : name({ type: 'staff', id: assigneeId })],
    [
      'Opened',
      <time key="opened" dateTime={createdAt}>
        {timeOf(createdAt)} · {ageOf(createdAt, Date.now())}
      </time>,
    ],
  ];
  return (
    <div className="ticket-details">
      <Facts facts={facts} />
      <h3 id="ticket-history-title">History</h3>
      <TicketHistory history={history} system={system} nameOf={nameOf} areNamesStale={areNamesStale} />
      {rightsOf(me).systems.includes(system) ? (
        <GiveTicketButton found={found} />
      ) : assigneeId === null ? (
        <p className="sub">A member of {system} will take it.</p>
      ) : null}
    </div>
  );
};
