import { errorAction, type RouterOutputs } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Ticket } from './ticket-service.ts';

/** A person's name, or the reason why it is missing. */
export type Name =
  | { is: 'known'; text: string }
  | { is: 'loading' }
  | { is: 'not-found' }
  | { is: 'access-denied' }
  | { is: 'unknown' };
export type PersonRef = { type: 'staff' | 'employee'; id: number };

const byNumber = (a: number, b: number) => a - b;
const distinct = (ids: number[]) => [...new Set(ids)].toSorted(byNumber);

const nameOfError = (error: unknown): Name => {
  const action = errorAction(error);
  return { is: action === 'not-found' || action === 'access-denied' ? action : 'unknown' };
};
const nameOf = ({ firstName, lastName }: { firstName: string; lastName: string }): Name => ({
  is: 'known',
  text: `${firstName} ${lastName}`,
});

/** Names of the people in these tickets, loaded in one tick and so in one request. */
export const useNames = (tickets: Ticket[]): ((person: PersonRef) => Name) => {
  const trpc = useTRPC();
  const staff = distinct(
    tickets.flatMap(({ assigneeId, requesterId, requesterType }) => [
      ...(assigneeId === null ? [] : [assigneeId]),
      ...(requesterType === 'staff' ? [requesterId] : []),
    ]),
  );
  const employees = distinct(
    tickets.filter(({ requesterType }) => requesterType === 'employee').map(({ requesterId }) => requesterId),
  );
  const queryClient = useQueryClient();
  const users = useQuery(trpc.users.byIds.queryOptions({ ids: staff }, { enabled: staff.length > 0 }));
  const employeeAnswers = useQueries({
    queries: employees.map((id) => trpc.employees.byId.queryOptions({ id })),
  });

  const names = new Map<string, Name>();
  // Keeps earlier results: a new look-up that fails does not remove names.
  const earlier = queryClient.getQueriesData<RouterOutputs['users']['byIds']>(trpc.users.byIds.pathFilter());
  for (const answer of [...earlier.map(([, data]) => data), users.data]) {
    for (const user of answer?.users ?? []) names.set(`staff ${user.id}`, nameOf(user));
    for (const id of answer?.notFound ?? []) names.set(`staff ${id}`, { is: 'not-found' });
  }
  for (const [index, { data, error }] of employeeAnswers.entries()) {
    const name = data ? nameOf(data) : error ? nameOfError(error) : null;
    if (name !== null) names.set(`employee ${employees[index]}`, name);
  }
  const otherwise: Name = users.error ? nameOfError(users.error) : { is: 'loading' };
  return ({ type, id }) => names.get(`${type} ${id}`) ?? (type === 'staff' ? otherwise : { is: 'loading' });
};
