import type { Session } from '@auth-bff/client';
import { lazy, Suspense, useState } from 'react';
import { LabColumn } from '../lab/lab-column.tsx';
import { NewTicket } from '../tickets/new-ticket.tsx';
import { TicketList } from '../tickets/ticket-list.tsx';
import { Tour } from '../tour/tour.tsx';
import { TicketOverlay } from '../tickets/ticket-overlay.tsx';
import { TurnsColumn } from '../turns/turns-column.tsx';
import { DeskHeader } from './desk-header.tsx';
import { MaintenanceBanner } from './maintenance-banner.tsx';
import { PageFooter } from './page-footer.tsx';
import { rightsOf } from './rights.ts';
import { useHeartbeat } from './use-heartbeat.ts';
import { useView, type View } from './use-view.ts';
import { ViewNav } from './view-nav.tsx';

/** A file of its own: most visits never open it. */
const Account = lazy(async () => ({ default: (await import('../account/account.tsx')).Account }));

const staffViews: readonly View[] = ['tickets', 'turns', 'lab', 'account'];
/** Turns are for staff only. */
const employeeViews: readonly View[] = ['tickets', 'lab', 'account'];

/** The ticket desk of the signed-in person. */
export const Desk = ({ me }: { me: Session }) => {
  const [openedAtMs] = useState(() => Date.now());
  const [isWriting, setIsWriting] = useState(false);
  const views = rightsOf(me).seesStaff ? staffViews : employeeViews;
  const view = useView(views);
  useHeartbeat();
  return (
    <>
      <DeskHeader me={me} />
      <ViewNav views={views} current={view} />
      <Tour person={me.user.type} />
      {view === 'account' ? (
        <Suspense fallback={<main className="account" aria-busy="true" />}>
          <Account />
        </Suspense>
      ) : (
        <main className="desk" data-view={view} data-columns={views.length - 1}>
          <div className="column" data-column="tickets">
            <TicketList me={me} openedAtMs={openedAtMs} onNew={() => setIsWriting(true)} isCovered={isWriting} />
          </div>
          {views.includes('turns') ? (
            <div className="column" data-column="turns">
              <TurnsColumn me={me} />
            </div>
          ) : null}
          <div className="column" data-column="lab">
            <LabColumn />
          </div>
        </main>
      )}
      <PageFooter />
      <NewTicket me={me} isOpen={isWriting} onClose={() => setIsWriting(false)} />
      <TicketOverlay me={me} />
      <MaintenanceBanner />
    </>
  );
};
