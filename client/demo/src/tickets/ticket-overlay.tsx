import type { Session } from '@auth-bff/client';
import { lazy, Suspense } from 'react';
import { useOpenTicketId } from './ticket-link.ts';

/** A file of its own: many visits open no ticket. */
const TicketDialog = lazy(async () => ({ default: (await import('./ticket-dialog.tsx')).TicketDialog }));

/** The ticket in the address of the page, such as `#ticket/T-1042`. */
export const TicketOverlay = ({ me }: { me: Session }) => {
  const id = useOpenTicketId();
  if (id === null) return null;
  return (
    <Suspense fallback={null}>
      <TicketDialog key={id} id={id} me={me} />
    </Suspense>
  );
};
