import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { QueryView } from '../desk/query-view.tsx';

const isNumber = (asked: string) => /^\d+$/.test(asked);

/** Looks up a staff member by number or company id. */
export const LookUp = () => {
  const trpc = useTRPC();
  const [typed, setTyped] = useState('');
  const [asked, setAsked] = useState('');
  const byId = useQuery(trpc.users.byId.queryOptions({ id: Number(asked) }, { enabled: isNumber(asked) }));
  const byCompanyId = useQuery(
    trpc.users.byCompanyId.queryOptions({ companyId: asked }, { enabled: asked !== '' && !isNumber(asked) }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(typed.trim().toUpperCase());
  };
  return (
    <section className="card" aria-labelledby="look-up-title">
      <header className="card-head">
        <h2 id="look-up-title">Find a person</h2>
      </header>
      <form className="look-up" onSubmit={submit} role="search">
        <label className="visually-hidden" htmlFor="look-up-number">
          Number or company id
        </label>
        <input
          id="look-up-number"
          value={typed}
          placeholder="123 or MA0001"
          autoComplete="off"
          maxLength={20}
          onChange={(event) => setTyped(event.target.value)}
        />
        <button type="submit" className="quiet">
          Look up
        </button>
      </form>
      <div className="look-up-answer">
        {asked === '' ? (
          <p className="sub">Staff only. Try 999 for an unknown number.</p>
        ) : (
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
        )}
      </div>
    </section>
  );
};
