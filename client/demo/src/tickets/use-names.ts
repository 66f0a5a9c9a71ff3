import { errorAction, type RouterOutputs, type Session } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { rightsOf } from '../desk/rights.ts';
import type { PersonRef, Ticket, TicketEvent } from './ticket-service.ts';

/** A person's name, or the reason why it is missing. `hidden`: this person may not look it up, so it is not asked for. */
export type Name =
  | { is: 'known'; text: string }
  | { is: 'own'; text: string }
  | { is: 'hidden' }
  | { is: 'loading' }
  | { is: 'not-found' }
  | { is: 'access-denied' }
  | { is: 'unknown' };
export type NameOf = (person: PersonRef) => Name;

const staff = (id: number): PersonRef => ({ type: 'staff', id });

export const peopleOf = ({ requesterType, requesterId, assigneeId }: Ticket): PersonRef[] => [
  { type: requesterType, id: requesterId },
  ...(assigneeId === null ? [] : [staff(assigneeId)]),
];

export const peopleIn = (history: readonly TicketEvent[]): PersonRef[] =>
  history.flatMap((event) => [
    event.by,
    ...(event.kind === 'opened' ? [] : [staff(event.to)]),
    ...(event.kind === 'handed_on' ? [staff(event.from)] : []),
  ]);

const byNumber = (a: number, b: number) => a - b;
const idsOf = (people: readonly PersonRef[], type: PersonRef['type']) =>
  [...new Set(people.filter((person) => person.type === type).map(({ id }) => id))].toSorted(byNumber);

const nameOfError = (error: unknown): Name => {
  const action = errorAction(error);
  return { is: action === 'not-found' || action === 'access-denied' ? action : 'unknown' };
};
const nameOf = ({ firstName, lastName }: { firstName: string; lastName: string }): Name => ({
  is: 'known',
  text: `${firstName} ${lastName}`,
});

/** Names of people, as far as this person may look them up, loaded in one tick and so in one request. */
export const useNames = (people: readonly PersonRef[], me: Session): NameOf => {
  const trpc = useTRPC();
  const { seesStaff, seesEmployees } = rightsOf(me);
  const staffIds = seesStaff ? idsOf(people, 'staff') : [];
  const employeeIds = seesEmployees ? idsOf(people, 'employee') : [];
  const queryClient = useQueryClient();
  const users = useQuery(trpc.users.byIds.queryOptions({ ids: staffIds }, { enabled: staffIds.length > 0 }));
  const employeeAnswers = useQueries({
    queries: employeeIds.map((id) => trpc.employees.byId.queryOptions({ id })),
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
    if (name !== null) names.set(`employee ${employeeIds[index]}`, name);
  }
  const otherwise: Name = users.error ? nameOfError(users.error) : { is: 'loading' };
  const { user } = me;
  return ({ type, id }) => {
    const known = names.get(`${type} ${id}`);
    if (known !== undefined) return known;
    if (type === user.type && id === user.id && !seesStaff) return { is: 'own', text: user.fullName ?? 'you' };
    if (type === 'staff') return seesStaff ? otherwise : { is: 'hidden' };
    return { is: seesEmployees ? 'loading' : 'hidden' };
  };
};
