import type { Session } from '@auth-bff/client';
import { useEffect, useRef } from 'react';
import { Icon } from '../desk/icon.tsx';
import { NewTicketForm } from './new-ticket-form.tsx';

type NewTicketProps = { me: Session; isOpen: boolean; onClose: () => void };

/** The dialog for a new ticket. It keeps the draft when it is closed. */
export const NewTicket = ({ me, isOpen, onClose }: NewTicketProps) => {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) {
      dialog.current?.showModal();
      dialog.current?.querySelector<HTMLInputElement>('#ticket-title')?.focus();
    } else dialog.current?.close();
  }, [isOpen]);
  const closed = () => {
    onClose();
    // The button of an empty list is gone once the list has a ticket: the browser cannot return the focus to it.
    const { activeElement } = document;
    if (activeElement !== document.body && !dialog.current?.contains(activeElement)) return;
    document.querySelector<HTMLElement>('#new-ticket-button')?.focus();
  };
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="new-ticket-title" onClose={closed}>
      <header className="card-head">
        <h2 id="new-ticket-title">New ticket</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <NewTicketForm me={me} isOpen={isOpen} onClose={onClose} />
    </dialog>
  );
};
