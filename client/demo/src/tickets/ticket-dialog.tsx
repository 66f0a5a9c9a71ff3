import '../style/ticket-dialog.css';
import type { Session } from '@auth-bff/client';
import { useEffect, useRef } from 'react';
import { Icon } from '../desk/icon.tsx';
import { QueryView } from '../desk/query-view.tsx';
import { TicketDetails } from './ticket-details.tsx';
import { closeTicket, hrefOf } from './ticket-link.ts';
import { TicketServiceError } from './ticket-service.ts';
import { isTicketId, useTicket } from './use-ticket.ts';

/** The link in the ticket's row, or the title of the list if that row is not shown. */
const focusList = (id: string): void => {
  const links = document.querySelectorAll<HTMLAnchorElement>('.ticket-link');
  const target = [...links].find(({ hash }) => hash === hrefOf(id));
  (target ?? document.querySelector<HTMLElement>('#tickets-title'))?.focus();
};

const Missing = () => (
  <div className="note" role="status">
    <Icon name="search" />
    <p>This ticket does not exist, or you may not see it.</p>
  </div>
);

const Skeleton = () => <div className="bone bone-ticket" role="status" aria-label="Loading the ticket" />;

/** A ticket over the list. Escape, Close and the browser's Back close it. */
export const TicketDialog = ({ id, me }: { id: string; me: Session }) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const query = useTicket(id);
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
    title.current?.focus();
    return () => focusList(id);
  }, [id]);
  const { data, error } = query;
  const isMissing = !isTicketId(id) || (error instanceof TicketServiceError && error.status === 404);
  return (
    <dialog ref={dialog} className="dialog ticket-dialog" aria-labelledby="ticket-dialog-title" onClose={closeTicket}>
      <header className="card-head">
        <p className="ticket-dialog-id">
          {data === undefined || isMissing ? null : (
            <>
              <span className="visually-hidden">Ticket </span>
              {data.ticket.id}
              <span className="badge" data-system={data.ticket.system}>
                {data.ticket.system}
              </span>
            </>
          )}
        </p>
        <button type="button" className="icon-button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <h2 id="ticket-dialog-title" ref={title} tabIndex={-1}>
        {isMissing ? 'No such ticket' : (data?.ticket.title ?? 'Ticket')}
      </h2>
      {isMissing ? (
        <Missing />
      ) : (
        <QueryView query={query} subject="The ticket" skeleton={<Skeleton />}>
          {(found) => <TicketDetails found={found} me={me} />}
        </QueryView>
      )}
    </dialog>
  );
};
