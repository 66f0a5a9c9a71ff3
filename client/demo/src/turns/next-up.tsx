import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { QueryView } from '../desk/query-view.tsx';
import { roleOf } from '../tickets/roles.ts';
import type { System } from '../tickets/ticket-service.ts';

const initialsOf = ({ firstName, lastName }: { firstName: string; lastName: string }) =>
  `${firstName.charAt(0)}${lastName.charAt(0)}`;

/** Shows the next assignee (`assignments.peek`). */
export const NextUp = ({ system, isLive }: { system: System; isLive: boolean }) => {
  const trpc = useTRPC();
  const query = useQuery(
    trpc.assignments.peek.queryOptions({ system, role: roleOf[system] }, { meta: { live: isLive } }),
  );
  return (
    <div className="next-up">
      <h3 className="visually-hidden">Who is next</h3>
      <QueryView query={query} subject="Who is next" skeleton={<div className="bone bone-next" aria-hidden="true" />}>
        {({ assignee, candidates, stale }) =>
          assignee === null ? (
            <p className="next-nobody">No person of {system} can take a ticket.</p>
          ) : (
            <div className="next-card">
              <span className="avatar" aria-hidden="true">
                {initialsOf(assignee)}
              </span>
              <p role="status">
                <span className="next-label">Next in turn{stale ? ', as last known' : ''}</span>
                <strong>
                  {assignee.firstName} {assignee.lastName}
                </strong>
                <span className="sub">
                  {assignee.position ?? roleOf[system]} · one of {candidates}
                </span>
              </p>
            </div>
          )
        }
      </QueryView>
    </div>
  );
};
