import type { Session } from '@auth-bff/client';
import { useState } from 'react';
import { SystemChoice } from '../tickets/system-choice.tsx';
import { type System, systems } from '../tickets/ticket-service.ts';
import { Availability } from './availability.tsx';
import { Distribution } from './distribution.tsx';
import { LiveHint } from './live-hint.tsx';
import { LookUp } from './look-up.tsx';
import { NextUp } from './next-up.tsx';
import { SampleTickets } from './sample-tickets.tsx';
import { TurnHistory } from './turn-history.tsx';
import { useLiveTurns } from './use-live-turns.ts';
import { useRotation } from './use-rotation.ts';

/** The next assignee, the distribution of turns, and who is away. Follows the turns that others give. */
export const TurnsColumn = ({ me }: { me: Session }) => {
  const [system, setSystem] = useState<System>(systems.find((own) => me.systems.includes(own)) ?? 'TTS');
  const live = useLiveTurns(system, me.user.type === 'staff' && me.systems.includes(system));
  const rotation = useRotation(system, live);
  const people = rotation.data?.people ?? [];
  return (
    <>
      <section className="card" aria-labelledby="turns-title">
        <header className="card-head card-head-tall">
          <h2 id="turns-title">Turns</h2>
          <LiveHint state={live} />
          <SampleTickets me={me} system={system} />
        </header>
        <SystemChoice legend="Turns of" name="turns-system" choices={systems} value={system} onChange={setSystem} />
        <NextUp key={`next ${system}`} system={system} isLive={live === 'live'} />
        <Distribution key={`bars ${system}`} system={system} query={rotation} />
        <div className="leave-box">
          <Availability
            key={`leave ${system}`}
            system={system}
            me={people.find(({ user }) => me.user.type === 'staff' && user.id === me.user.id)}
          />
        </div>
        {live === 'off' ? null : <TurnHistory key={`history ${system}`} system={system} people={people} />}
      </section>
      <LookUp />
    </>
  );
};
