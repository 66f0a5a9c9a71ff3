import type { Session } from '@auth-bff/client';
import { lazy, Suspense, useState } from 'react';
import { LabColumn } from '../lab/lab-column.tsx';
import { NewTicket } from '../tickets/new-ticket.tsx';
import { TicketList } from '../tickets/ticket-list.tsx';
import { TicketOverlay } from '../tickets/ticket-overlay.tsx';
import { TurnsColumn } from '../turns/turns-column.tsx';
import { DeskHeader } from './desk-header.tsx';
import { MaintenanceBanner } from './maintenance-banner.tsx';
import { useHeartbeat } from './use-heartbeat.ts';
import { useView } from './use-view.ts';
import { ViewNav } from './view-nav.tsx';

/** A file of its own: most visits never open it. */
const Account = lazy(async () => ({ default: (await import('../account/account.tsx')).Account }));

/** The ticket desk of the signed-in person. */
export const Desk = ({ me }: { me: Session }) => {
  const [openedAtMs] = useState(() => Date.now());
  const [isWriting, setIsWriting] = useState(false);
  const view = useView();
  useHeartbeat();
  return (
    <>
      <DeskHeader me={me} />
      <ViewNav />
      {view === 'account' ? (
        <Suspense fallback={<main className="account" aria-busy="true" />}>
          <Account />
        </Suspense>
      ) : (
        <main className="desk" data-view={view}>
          <div className="column" data-column="tickets">
            <TicketList me={me} openedAtMs={openedAtMs} onNew={() => setIsWriting(true)} />
          </div>
          <div className="column" data-column="turns">
            <TurnsColumn me={me} />
          </div>
          <div className="column" data-column="lab">
            <LabColumn />
          </div>
        </main>
      )}
      <NewTicket me={me} isOpen={isWriting} onClose={() => setIsWriting(false)} />
      <TicketOverlay me={me} />
      <MaintenanceBanner />
    </>
  );
};
