import { useState } from 'react';
import { QueryView } from '../desk/query-view.tsx';
import { roleOf } from '../tickets/roles.ts';
import type { System } from '../tickets/ticket-service.ts';
import { type RotationPerson, toShares } from './shares.ts';
import type { useRotation } from './use-rotation.ts';

const Skeleton = () => (
  <div className="bars" aria-hidden="true">
    <div className="bone bone-bars" />
  </div>
);

type DistributionProps = { system: System; query: ReturnType<typeof useRotation> };

/** Turns per person: bars in a table, which screen readers read. */
export const Distribution = ({ system, query }: DistributionProps) => {
  const [first, setFirst] = useState<readonly RotationPerson[] | null>(null);
  if (first === null && query.data !== undefined) setFirst(query.data.people);
  // `NextUp` above already shows this error.
  if (query.data === undefined && query.error !== null) return null;
  return (
    <QueryView query={query} subject="The distribution" skeleton={<Skeleton />}>
      {({ people }) => {
        const shares = toShares(people, first ?? people);
        const totals = shares.map(({ total }) => total);
        const most = Math.max(1, ...totals);
        const spread = totals.length === 0 ? 0 : Math.max(...totals) - Math.min(...totals);
        return (
          <div className="bars">
            <table>
              <caption>
                Turns of each {roleOf[system].toLowerCase()} of {system}
                <span className="bars-spread" data-level={spread <= 1}>
                  {spread <= 1 ? 'level' : `${spread} apart`}
                </span>
              </caption>
              <thead className="visually-hidden">
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Turns</th>
                </tr>
              </thead>
              <tbody>
                {shares.map(({ id, name, total, isNew, isAway }) => (
                  <tr key={id} data-away={isAway || undefined}>
                    <th scope="row">
                      {name}
                      {isAway ? <span className="bar-away"> away</span> : null}
                    </th>
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
