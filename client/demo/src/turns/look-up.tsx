import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { QueryView } from '../desk/query-view.tsx';

const isNumber = (asked: string) => /^\d+$/.test(asked);

/** Looks up a staff member by number or company id. */
export const LookUp = () => {
  const trpc = useTRPC();
  const [typed, setTyped] = useState('');
  const [asked, setAsked] = useState('');
  const [isMissing, setIsMissing] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const byId = useQuery(trpc.users.byId.queryOptions({ id: Number(asked) }, { enabled: isNumber(asked) }));
  const byCompanyId = useQuery(
    trpc.users.byCompanyId.queryOptions({ companyId: asked }, { enabled: asked !== '' && !isNumber(asked) }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const id = typed.trim().toUpperCase();
    setIsMissing(id === '');
    setAsked(id);
    if (id === '') field.current?.focus();
  };
  return (
    <section className="card" aria-labelledby="look-up-title">
      <header className="card-head">
        <h2 id="look-up-title">Find a colleague</h2>
      </header>
      <form className="look-up" onSubmit={submit} role="search" noValidate>
        <label className="visually-hidden" htmlFor="look-up-id">
          ID of a staff member
        </label>
        <input
          id="look-up-id"
          ref={field}
          value={typed}
          placeholder="123 or MA0001"
          autoComplete="off"
          maxLength={20}
          aria-invalid={isMissing}
          aria-describedby="look-up-error"
          onChange={(event) => {
            setTyped(event.target.value);
            setIsMissing(false);
          }}
        />
        <button type="submit" className="quiet">
          Look up
        </button>
      </form>
      <p className="field-error" id="look-up-error" role="alert">
        {isMissing ? 'Enter an ID such as 123 or MA0001.' : ''}
      </p>
      {asked === '' ? null : (
        <div className="look-up-answer">
          <QueryView
            key={asked}
            query={isNumber(asked) ? byId : byCompanyId}
            subject="This person"
            skeleton={<div className="bone bone-found" aria-hidden="true" />}
          >
            {({ firstName, lastName, position, department, isActive, email }) => (
              <div className="found" role="status">
                <strong>
                  {firstName} {lastName}
                </strong>
                <span className="sub">{[position, department].filter((words) => words !== null).join(' · ')}</span>
                <span className="sub">{isActive === false ? 'Inactive' : email}</span>
              </div>
            )}
          </QueryView>
        </div>
      )}
    </section>
  );
};
