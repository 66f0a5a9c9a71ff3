// Uses the package like a frontend. Compiled in a separate folder with only the installed package.
import { createAuthClient, errorAction, type RouterInputs, type RouterOutputs } from '@auth-bff/client';
import { liveLink } from '@auth-bff/client/live';

type IsAny<A> = 0 extends 1 & A ? true : false;
type Same<A, B> = IsAny<A> extends true ? false : [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type User = RouterOutputs['users']['byId'];

const { trpc, session } = createAuthClient({
  url: '/trpc',
  live: liveLink({ closeWhenHiddenMs: 10_000, EventSource }),
  onSignedOut: () => undefined,
});

export const userOf = (id: number): Promise<User> => trpc.users.byId.query({ id });
export const signIn = async (email: string, password: string): Promise<string> => {
  const answer = await trpc.session.login.mutate({ email, password });
  return answer.status === 'otp_required' ? answer.challenge : answer.session.expiresAt.toISOString();
};
export const save = (body: string): Promise<Response> => session.fetch('/tickets/', { method: 'POST', body });
export const follow = (show: (id: string, assignee: number, at: Date) => void): (() => void) =>
  trpc.assignments.onTurn.subscribe(
    { system: 'TTS', role: 'Technician' },
    { onData: ({ id, data }) => show(id, data.assignee, data.at) },
  ).unsubscribe;
export const explain = (error: unknown): string => errorAction(error);

export const idIsANumber: Same<RouterInputs['users']['byId'], { id: number }> = true;
export const dateStaysADate: Same<User['joinedAt'], Date | null> = true;
export const companyIdIsText: Same<User['companyId'], string | null> = true;

// @ts-expect-error An id is a number.
export const wrongInput = () => trpc.users.byId.query({ id: 'x' });
// @ts-expect-error A query is not a mutation.
export const wrongKind = () => trpc.users.byId.mutate({ id: 1 });
// @ts-expect-error There is no such procedure.
export const wrongName = () => trpc.users.byName.query({ name: 'x' });
