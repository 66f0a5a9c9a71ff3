import type { Session } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { QueryView } from '../desk/query-view.tsx';
import { roleOf } from '../tickets/roles.ts';
import type { System } from '../tickets/ticket-service.ts';
import { useNames } from '../tickets/use-names.ts';
import { useHandOn } from './use-hand-on.ts';

const shownEntries = 8;
const format = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

type TurnHistoryProps = { system: System; me: Session };

/** The last turns, newest first. The latest turn of each key can be handed on. */
const Entries = ({ system, me }: TurnHistoryProps) => {
  const rotation = { system, role: roleOf[system] };
  const query = useQuery(
    useTRPC().assignments.history.queryOptions({ ...rotation, limit: shownEntries }, { meta: { live: true } }),
  );
  const handOn = useHandOn();
  const list = useRef<HTMLOListElement>(null);
  const ids = query.data?.entries.flatMap(({ assignee, by }) => [assignee, by]) ?? [];
  const lookUp = useNames(
    ids.map((id) => ({ type: 'staff', id })),
    me,
  );
  const nameOf = (id: number) => {
    const name = lookUp({ type: 'staff', id });
    return name.is === 'known' ? name.text : `Staff ${id}`;
  };
  return (
    <QueryView query={query} subject="The history" skeleton={<div className="bone bone-found" aria-hidden="true" />}>
      {({ entries }) => {
        if (entries.length === 0) return <p className="sub">No turn has been given yet.</p>;
        return (
          <ol className="turn-history" aria-label="Last turns" ref={list} tabIndex={-1}>
            {entries.map(({ at, key, assignee, by, kind }, index) => (
              <li key={`${at.getTime()} ${key}`}>
                <span>
                  <strong>{nameOf(assignee)}</strong>
                  <span className="sub">
                    {' '}
                    {kind === 'reassigned' ? 'by hand-on' : 'in turn'}, {format.format(at)}, by{' '}
                    {by === me.user.id ? 'you' : nameOf(by)}
                  </span>
                </span>
                {key !== null && entries.findIndex((entry) => entry.key === key) === index ? (
                  <button
                    type="button"
                    className="quiet"
                    onClick={() => {
                      handOn.mutate({ ...rotation, key });
                      // The button goes away: the next turn of the ticket gets its own.
                      list.current?.focus();
                    }}
                    aria-busy={handOn.isPending && handOn.variables.key === key}
                  >
                    Hand on
                    <span className="visually-hidden"> the ticket of {nameOf(assignee)}</span>
                  </button>
                ) : null}
              </li>
            ))}
          </ol>
        );
      }}
    </QueryView>
  );
};

/** Loaded when it is opened. */
export const TurnHistory = (props: TurnHistoryProps) => {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details className="turn-history-box" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>Last turns</summary>
      {isOpen ? <Entries {...props} /> : null}
    </details>
  );
};
