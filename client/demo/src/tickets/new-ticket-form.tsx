import { errorAction, type Session } from '@auth-bff/client';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Icon } from '../desk/icon.tsx';
import { retryAfterOf } from '../desk/retry-after.ts';
import { rightsOf } from '../desk/rights.ts';
import { AssigneePreview } from './assignee-preview.tsx';
import { AutomaticRetry } from './automatic-retry.tsx';
import { isOutage } from './outage.ts';
import { SystemChoice } from './system-choice.tsx';
import { type System, systems } from './ticket-service.ts';
import { type OpenedTicket, useOpenTicket } from './use-open-ticket.ts';

const newKey = () => `desk-${crypto.randomUUID()}`;

type NewTicketFormProps = { me: Session; isOpen: boolean; onClose: () => void };

const Opened = ({
  opened,
  onAnother,
  onClose,
}: {
  opened: OpenedTicket;
  onAnother: () => void;
  onClose: () => void;
}) => {
  const done = useRef<HTMLButtonElement>(null);
  useEffect(() => done.current?.focus(), []);
  return (
    <div className="opened">
      <Icon name="check" />
      <p className="opened-id" role="status">
        <strong>{opened.ticket.id}</strong>{' '}
        {opened.assigneeName === null
          ? `is open. A member of ${opened.ticket.system} will take it.`
          : `is assigned to ${opened.assigneeName}.`}
      </p>
      <p className="sub">{opened.ticket.title}</p>
      <div className="actions">
        <button type="button" className="quiet" onClick={onAnother}>
          Another one
        </button>
        <button type="button" className="primary" onClick={onClose} ref={done}>
          Done
        </button>
      </div>
    </div>
  );
};

/** Why the ticket was not opened. During an outage it is sent again automatically, with the same key. */
const NotOpened = ({ error, dueAtMs, retry }: { error: Error; dueAtMs: number | null; retry: () => void }) =>
  dueAtMs === null ? (
    <p className="field-error" role="alert">
      {errorAction(error) === 'access-denied'
        ? 'It was not opened: your role may not assign tickets of this system.'
        : `It was not opened: ${error.message} Your words are kept.`}
    </p>
  ) : (
    <AutomaticRetry words="Your ticket is saved and will be sent automatically" dueAtMs={dueAtMs} retry={retry} />
  );

export const NewTicketForm = ({ me, isOpen, onClose }: NewTicketFormProps) => {
  const own = rightsOf(me).systems;
  const [title, setTitle] = useState('');
  const [system, setSystem] = useState<System>(own[0] ?? 'TTS');
  const isAssigned = own.includes(system);
  const [key, setKey] = useState(newKey);
  const [isTitleMissing, setIsTitleMissing] = useState(false);
  const [isAnother, setIsAnother] = useState(false);
  const [failedAtMs, setFailedAtMs] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const { mutate, data: opened, error, isPending, reset } = useOpenTicket(me);

  const send = () => mutate({ title: title.trim(), system, key }, { onError: () => setFailedAtMs(Date.now()) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const isMissing = title.trim() === '';
    setIsTitleMissing(isMissing);
    if (isMissing) field.current?.focus();
    // A second click sends the same key and returns the same ticket.
    else send();
  };
  const startAnother = () => {
    reset();
    setTitle('');
    setKey(newKey());
    setIsAnother(true);
  };
  if (opened !== undefined) {
    const close = () => {
      onClose();
      startAnother();
    };
    return <Opened opened={opened} onAnother={startAnother} onClose={close} />;
  }
  const dueAtMs = error !== null && isOutage(error) && !isPending ? failedAtMs + retryAfterOf(error) * 1000 : null;
  return (
    <form className="form" onSubmit={submit} noValidate>
      <div className="field">
        <label htmlFor="ticket-title">What is it about?</label>
        <input
          id="ticket-title"
          ref={field}
          value={title}
          maxLength={200}
          // The dialog handles the first one.
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the button that opened it is gone
          autoFocus={isAnother}
          autoComplete="off"
          required
          aria-invalid={isTitleMissing}
          aria-describedby={isTitleMissing ? 'ticket-title-error' : undefined}
          onChange={(event) => {
            setTitle(event.target.value);
            setIsTitleMissing(false);
          }}
        />
        {isTitleMissing ? (
          <p className="field-error" id="ticket-title-error">
            Enter a short description.
          </p>
        ) : null}
      </div>
      <div className="field">
        <span className="field-label" aria-hidden="true">
          System
        </span>
        <SystemChoice legend="System" name="ticket-system" choices={systems} value={system} onChange={setSystem} />
      </div>
      {isAssigned ? (
        <AssigneePreview key={system} system={system} isAsked={isOpen} />
      ) : (
        <p className="sub">A member of {system} will take it.</p>
      )}
      <div className="form-message">
        {error === null ? null : <NotOpened error={error} dueAtMs={dueAtMs} retry={send} />}
      </div>
      <div className="actions">
        <button type="button" className="quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="primary" aria-busy={isPending}>
          {isPending ? 'Opening…' : isAssigned ? 'Open and assign' : 'Open ticket'}
        </button>
      </div>
    </form>
  );
};
