import { errorAction, type RouterOutputs } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { roleOf } from './roles.ts';
import type { System } from './ticket-service.ts';

type Turn = RouterOutputs['assignments']['peek'];

const wordsOf = (turn: Turn | undefined, error: unknown): string => {
  if (turn !== undefined) {
    const { assignee } = turn;
    return assignee === null ? 'No person is available.' : `Next in turn: ${assignee.firstName} ${assignee.lastName}`;
  }
  if (error === null) return 'Loading the next assignee…';
  // By their roles the person may see the turns, but roles change.
  return errorAction(error) === 'access-denied'
    ? 'Your roles have changed: sign in again to see who is next.'
    : "Can't load the next assignee. Retrying automatically.";
};

/** The person who would receive the next ticket of this system. */
export const AssigneePreview = ({ system, isAsked }: { system: System; isAsked: boolean }) => {
  const trpc = useTRPC();
  const { data, error } = useQuery(
    trpc.assignments.peek.queryOptions({ system, role: roleOf[system] }, { enabled: isAsked }),
  );
  return (
    <p className="sub" role="status">
      {wordsOf(data, error)}
    </p>
  );
};
