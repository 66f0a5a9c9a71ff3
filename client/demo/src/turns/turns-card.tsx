import type { Session } from '@auth-bff/client';
import { useState } from 'react';
import { SystemChoice } from '../tickets/system-choice.tsx';
import type { System } from '../tickets/ticket-service.ts';
import { Availability } from './availability.tsx';
import { Distribution } from './distribution.tsx';
import { LiveHint } from './live-hint.tsx';
import { NextUp } from './next-up.tsx';
import { SampleTickets } from './sample-tickets.tsx';
import { TurnHistory } from './turn-history.tsx';
import { useLiveTurns } from './use-live-turns.ts';
import { useRotation } from './use-rotation.ts';

type TurnsCardProps = { me: Session; systems: readonly System[]; first: System };

/** The next assignee, the distribution of turns, and who is away. Follows the turns that others give. */
export const TurnsCard = ({ me, systems, first }: TurnsCardProps) => {
  const [system, setSystem] = useState(first);
  const live = useLiveTurns(system);
  const rotation = useRotation(system, live);
  const people = rotation.data?.people ?? [];
  const ownPlace = people.find(({ user }) => user.id === me.user.id);
  return (
    <section className="card" aria-labelledby="turns-title">
      <header className="card-head">
        <h2 id="turns-title">{systems.length === 1 ? `Turns of ${system}` : 'Turns'}</h2>
        <LiveHint state={live} />
      </header>
      {systems.length === 1 ? null : (
        <SystemChoice legend="Turns of" name="turns-system" choices={systems} value={system} onChange={setSystem} />
      )}
      <NextUp key={`next ${system}`} system={system} isLive={live === 'live'} />
      <Distribution key={`bars ${system}`} system={system} query={rotation} />
      {ownPlace === undefined ? null : <Availability key={`leave ${system}`} system={system} me={ownPlace} />}
      <TurnHistory key={`history ${system}`} system={system} me={me} />
      <SampleTickets me={me} system={system} />
    </section>
  );
};
