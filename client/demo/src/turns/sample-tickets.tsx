import type { Session } from '@auth-bff/client';
import { useState } from 'react';
import type { System } from '../tickets/ticket-service.ts';
import { useOpenTicket } from '../tickets/use-open-ticket.ts';

const titles = [
  'Printer on floor 3 prints blank pages',
  'VPN drops every ten minutes',
  'New colleague needs a laptop',
  'Calendar shows the wrong time zone',
  'Projector in room Oslo stays dark',
  'Phone forwards to an old number',
];

/** Opens six tickets at once, to show that the distribution stays even. */
export const SampleTickets = ({ me, system }: { me: Session; system: System }) => {
  const { mutateAsync } = useOpenTicket(me);
  const [isBusy, setIsBusy] = useState(false);
  const open = async () => {
    if (isBusy) return;
    setIsBusy(true);
    const all = titles.map((title) => mutateAsync({ title, system, key: `sample-${crypto.randomUUID()}` }));
    await Promise.allSettled(all);
    setIsBusy(false);
  };
  return (
    <button type="button" className="quiet wide sample-tickets" onClick={() => void open()} aria-busy={isBusy}>
      {isBusy ? 'Creating…' : 'Create 6 sample tickets'}
    </button>
  );
};
