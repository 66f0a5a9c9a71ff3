// Uses the package like a React frontend. Compiled in a separate folder with the installed package.
import { createAuthClient } from '@auth-bff/client';
import { AuthProvider, retry, useSession, useTRPC } from '@auth-bff/client/react';
import { QueryClient, useQuery } from '@tanstack/react-query';
import { createElement } from 'react';

const client = createAuthClient({ url: '/trpc' });
const queryClient = new QueryClient({ defaultOptions: { queries: { retry } } });

const Joined = ({ id }: { id: number }) => {
  const trpc = useTRPC();
  const { data } = useQuery(trpc.users.byId.queryOptions({ id }));
  const joinedAt: Date | null | undefined = data?.joinedAt;
  return createElement('p', null, useSession().state, joinedAt?.toISOString());
};

export const App = () => createElement(AuthProvider, { client, queryClient }, createElement(Joined, { id: 123 }));

// @ts-expect-error An id is a number.
export const useWrongInput = () => useTRPC().users.byId.queryOptions({ id: 'x' });
