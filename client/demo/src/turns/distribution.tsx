import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { QueryView } from '../desk/query-view.tsx';
import { roleOf } from '../tickets/roles.ts';
import type { System } from '../tickets/ticket-service.ts';
import { useTickets } from '../tickets/use-tickets.ts';
import { toShares } from './shares.ts';

const Skeleton = () => (
  <div className="bars" aria-hidden="true">
    <div className="bone bone-bars" />
  </div>
);

/** Tickets per candidate: bars in a table, which screen readers read. */
export const Distribution = ({ system, openedAtMs }: { system: System; openedAtMs: number }) => {
  const trpc = useTRPC();
  const query = useQuery(trpc.assignments.candidates.queryOptions({ system, role: roleOf[system] }));
  const tickets = useTickets();
  // `NextUp` above already shows this error.
  if (query.data === undefined && query.error !== null) return <div className="bars" />;
  // Bars that start at 0 would be wrong.
  if (tickets.isPending) return <Skeleton />;
  return (
    <QueryView query={query} subject="The distribution" skeleton={<Skeleton />}>
      {({ users }) => {
        const shares = toShares({ users, tickets: tickets.data ?? [], system, openedAtMs });
        const most = Math.max(1, ...shares.map(({ total }) => total));
        const totals = shares.map(({ total }) => total);
        const spread = totals.length === 0 ? 0 : Math.max(...totals) - Math.min(...totals);
        return (
          <div className="bars">
            <table>
              <caption>
                Tickets of {system} for each {roleOf[system].toLowerCase()}
                <span className="bars-spread" data-level={spread <= 1}>
                  {spread <= 1 ? 'level' : `${spread} apart`}
                </span>
              </caption>
              <thead className="visually-hidden">
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Tickets</th>
                </tr>
              </thead>
              <tbody>
                {shares.map(({ id, name, total, isNew }) => (
                  <tr key={id}>
                    <th scope="row">{name}</th>
                    <td>
                      <span className="bar" aria-hidden="true">
                        <span className="bar-all" style={{ transform: `scaleX(${total / most})` }} />
                        <span className="bar-before" style={{ transform: `scaleX(${(total - isNew) / most})` }} />
                      </span>
                      <span className="bar-count">{total}</span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        );
      }}
    </QueryView>
  );
};
