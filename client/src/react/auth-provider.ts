import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createElement, type ReactElement, type ReactNode, useEffect, useMemo } from 'react';
import type { AuthClient } from '../create-auth-client.ts';
import { queryRetry } from '../query-retry.ts';
import { AuthContext } from './auth-context.ts';
import { trpcContext } from './hooks.ts';
import { createSessionStore } from './session-store.ts';

export type AuthProviderProps = {
  /** From `createAuthClient`. One per page in a browser, one per request on a server. The provider does not dispose of it. */
  client: AuthClient;
  /**
   * Also provided to TanStack Query's hooks: no QueryClientProvider is needed. One per request on a server. Gets our `retry`
   * if its `defaultOptions.queries` have none.
   */
  queryClient: QueryClient;
  children?: ReactNode;
};

/** The client retries calls of the BFF itself: TanStack Query's default would multiply these retries. */
const setRetry = (queryClient: QueryClient): void => {
  const { queries, ...others } = queryClient.getDefaultOptions();
  if (queries?.retry !== undefined) return;
  queryClient.setDefaultOptions({ ...others, queries: { ...queries, retry: queryRetry } });
};

/**
 * Provides the procedures, the session and the QueryClient, and separates the data of different people:
 * - If another person signs in, also in another tab or on another origin, it empties the cache and refetches active queries.
 * - If a persisted cache of another person is restored, it does the same.
 * - After a sign-out it empties the cache. Queries on the page fail with `session_ended`, without a request.
 * - After a sign-in it refetches active queries that were rejected.
 *
 * It empties only the cache. Reset the state of a component yourself, for example with `key={user?.id}`.
 */
export const AuthProvider = ({ client, queryClient, children }: AuthProviderProps): ReactElement => {
  const auth = useMemo(() => {
    // Before the first query of a component.
    setRetry(queryClient);
    return { client, store: createSessionStore(client, queryClient) };
  }, [client, queryClient]);
  // Keeps the cache in step with the session, even if no component uses the session.
  useEffect(auth.store.connect, [auth]);
  const withSession = createElement(AuthContext.Provider, { value: auth }, children);
  const withTRPC = createElement(trpcContext.TRPCProvider, {
    trpcClient: client.trpc,
    queryClient,
    children: withSession,
  });
  return createElement(QueryClientProvider, { client: queryClient }, withTRPC);
};
