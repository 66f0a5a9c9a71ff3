// Uses the package like a React frontend. Compiled in a separate folder with the installed package.
import {
  type Assignment,
  type AuthClient,
  createAuthClient,
  type Employee,
  errorData,
  type ErrorData,
  hasRole,
  type KnownSystem,
  type LoginAnswer,
  queryRetry,
  type Reason,
  type RouterOutputs,
  type Session,
  type Status,
  type SystemRole,
  type User,
} from '@auth-bff/client';
import {
  AuthProvider,
  retry,
  useAuthClient,
  useSession,
  useSignOut,
  useTRPC,
  useTRPCClient,
} from '@auth-bff/client/react';
import { QueryClient, useMutation, useQuery } from '@tanstack/react-query';
import { createElement } from 'react';

type IsAny<A> = 0 extends 1 & A ? true : false;
type Same<A, B> = IsAny<A> extends true ? false : [A] extends [B] ? ([B] extends [A] ? true : false) : false;

const client = createAuthClient({ url: '/trpc' });
const queryClient = new QueryClient({ defaultOptions: { queries: { retry } } });

const Joined = ({ id }: { id: number }) => {
  const trpc = useTRPC();
  const { data, error } = useQuery(trpc.users.byId.queryOptions({ id }));
  const joinedAt: Date | null | undefined = data?.joinedAt;
  if (error) {
    const seconds: number | undefined = error.data?.retryAfterSeconds;
    const reason: Reason | undefined = error.data?.reason;
    const issues = errorData(error)?.issues;
    return createElement(
      'p',
      null,
      seconds,
      reason,
      ...(issues ?? []).map(({ path, message }) => `${path} ${message}`),
    );
  }
  return createElement('p', null, useSession().state, joinedAt?.toISOString());
};

export const Account = () => {
  const { state, user, expiresIn, isLoading } = useSession();
  const signOut = useMutation({ mutationFn: useSignOut() });
  const { session }: AuthClient = useAuthClient();
  const areLoading: Same<typeof isLoading, boolean> = true;
  const onClick = () => signOut.mutate();
  return createElement(
    'button',
    { onClick },
    state,
    user?.fullName,
    expiresIn?.toFixed(),
    String(areLoading),
    session.current.state,
  );
};

export const useSave = () => {
  const trpc = useTRPCClient();
  return async (key: string): Promise<ErrorData | null> => {
    try {
      await trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician', key });
      return null;
    } catch (error) {
      const reason: Reason | undefined = errorData(error)?.reason;
      return reason === 'rate_limited' ? errorData(error) : null;
    }
  };
};

export const App = () => createElement(AuthProvider, { client, queryClient }, createElement(Joined, { id: 123 }));

export const isManager = (me: Session): boolean => hasRole(me, 'TTS', 'Manager');
export const isOurRetry: boolean = retry === queryRetry;
export const userIsTheAnswer: Same<RouterOutputs['users']['byId'], User> = true;
export const employeeIsTheAnswer: Same<RouterOutputs['employees']['byId'], Employee> = true;
export const sessionIsTheAnswer: Same<RouterOutputs['session']['me'], Session> = true;
export const loginIsTheAnswer: Same<RouterOutputs['session']['login'], LoginAnswer> = true;
export const assignmentIsTheAnswer: Same<RouterOutputs['assignments']['next'], Assignment> = true;
export const statusIsTheAnswer: Same<RouterOutputs['status']['get'], Status> = true;
export const rolesAreOfTheSession: Same<Session['roles'], SystemRole[]> = true;
export const systems: KnownSystem[] = ['AMS', 'BMS', 'TTS', 'HDTS'];

// @ts-expect-error An id is a number.
export const useWrongInput = () => useTRPC().users.byId.queryOptions({ id: 'x' });
// @ts-expect-error There is no such system.
export const wrongSystem: KnownSystem = 'XMS';
// @ts-expect-error The data of an error has no such field.
export const wrongData = (error: unknown) => errorData(error)?.retryAfter;
