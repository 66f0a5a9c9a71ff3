import type { AppRouter } from '@auth-bff/server';
import type { TRPCClient } from '@trpc/client';
import { createTRPCContext, type TRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { SessionSnapshot } from '../session/session-snapshot.ts';
import type { SessionStore } from './session-store.ts';

// Annotated, because the inferred type names modules that are not published.
export const trpcContext: ReturnType<typeof createTRPCContext<AppRouter>> = createTRPCContext<AppRouter>();
export const SessionContext = createContext<SessionStore | null>(null);

/** The procedures as options for TanStack Query: `useQuery(useTRPC().users.byId.queryOptions({ id }))`. Throws outside an `AuthProvider`. */
export const useTRPC: () => TRPCOptionsProxy<AppRouter> = trpcContext.useTRPC;

/** The `trpc` of the `AuthProvider`'s client, for calls that are not cached. Throws outside an `AuthProvider`. */
export const useTRPCClient: () => TRPCClient<AppRouter> = trpcContext.useTRPCClient;

const serverSnapshot: SessionSnapshot = { state: 'unknown', user: null, expiresIn: null };

/**
 * The session. Renders again with each change: a sign-in, a refresh, a sign-out, another person. `expiresIn` is the value
 * at that change and does not count down; `client.session.current` does. On a server and during hydration the state is
 * `unknown`. Throws outside an `AuthProvider`.
 */
export const useSession = (): SessionSnapshot => {
  const store = useContext(SessionContext);
  if (store === null) throw new Error('useSession() can only be used inside of an <AuthProvider>.');
  return useSyncExternalStore(store.subscribe, store.current, () => serverSnapshot);
};
