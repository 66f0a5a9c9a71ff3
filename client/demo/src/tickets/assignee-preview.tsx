import { errorAction } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { roleOf } from './roles.ts';
import type { System } from './ticket-service.ts';

/** The person who would receive the next ticket of this system. */
export const AssigneePreview = ({ system, isAsked }: { system: System; isAsked: boolean }) => {
  const trpc = useTRPC();
  const { data, error } = useQuery(
    trpc.assignments.peek.queryOptions({ system, role: roleOf[system] }, { enabled: isAsked }),
  );
  const words =
    data === undefined
      ? error === null
        ? 'Loading the next assignee…'
        : errorAction(error) === 'access-denied'
          ? `Access denied: ${system} is not one of your systems.`
          : "Can't load the next assignee. Retrying automatically."
      : data.assignee === null
        ? 'No person is available.'
        : `Next in turn: ${data.assignee.firstName} ${data.assignee.lastName}`;
  return (
    <p className="preview sub" role="status">
      {words}
    </p>
  );
};
