import type { Session } from '@auth-bff/client';
import { useState } from 'react';
import { SystemChoice } from '../tickets/system-choice.tsx';
import { type System, systems } from '../tickets/ticket-service.ts';
import { Distribution } from './distribution.tsx';
import { LookUp } from './look-up.tsx';
import { NextUp } from './next-up.tsx';
import { SampleTickets } from './sample-tickets.tsx';

/** The next assignee, and the distribution of tickets. */
export const TurnsColumn = ({ me, openedAtMs }: { me: Session; openedAtMs: number }) => {
  const [system, setSystem] = useState<System>(systems.find((own) => me.systems.includes(own)) ?? 'TTS');
  return (
    <>
      <section className="card" aria-labelledby="turns-title">
        <header className="card-head card-head-tall">
          <h2 id="turns-title">Turns</h2>
          <SampleTickets me={me} system={system} />
        </header>
        <SystemChoice legend="Turns of" name="turns-system" choices={systems} value={system} onChange={setSystem} />
        <NextUp key={`next ${system}`} system={system} />
        <Distribution key={`bars ${system}`} system={system} openedAtMs={openedAtMs} />
      </section>
      <LookUp />
    </>
  );
};
