import { errorAction } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { roleOf } from './roles.ts';
import type { System } from './ticket-service.ts';

/** Whom a new ticket of this system would go to now. */
export const AssigneePreview = ({ system, isAsked }: { system: System; isAsked: boolean }) => {
  const trpc = useTRPC();
  const { data, error } = useQuery(
    trpc.assignments.peek.queryOptions({ system, role: roleOf[system] }, { enabled: isAsked }),
  );
  const words =
    data === undefined
      ? error === null
        ? 'Looking who is next…'
        : errorAction(error) === 'access-denied'
          ? `Access denied: ${system} is not one of your systems.`
          : 'Who is next cannot be told just now.'
      : data.assignee === null
        ? 'Nobody is there to take it.'
        : `Next in turn: ${data.assignee.firstName} ${data.assignee.lastName}`;
  return (
    <p className="preview sub" role="status">
      {words}
    </p>
  );
};
