import type { AppRouter } from '@auth-bff/server';
import type { TRPCClient } from '@trpc/client';
import { createTRPCContext, type TRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { useCallback, useSyncExternalStore } from 'react';
import type { AuthClient } from '../create-auth-client.ts';
import { useAuth } from './auth-context.ts';
import type { SessionView } from './session-view.ts';

// Annotated, because the inferred type names modules that are not published.
export const trpcContext: ReturnType<typeof createTRPCContext<AppRouter>> = createTRPCContext<AppRouter>();

/** The procedures as options for TanStack Query: `useQuery(useTRPC().users.byId.queryOptions({ id }))`. Throws outside an `AuthProvider`. */
export const useTRPC: () => TRPCOptionsProxy<AppRouter> = trpcContext.useTRPC;

/** The `trpc` of the `AuthProvider`'s client, for calls that are not cached. Throws outside an `AuthProvider`. */
export const useTRPCClient: () => TRPCClient<AppRouter> = trpcContext.useTRPCClient;

/** The `AuthProvider`'s client, for example for `session.fetch`. Throws outside an `AuthProvider`. */
export const useAuthClient = (): AuthClient => useAuth('useAuthClient').client;

/**
 * The session. Loads itself: the first component that uses it asks the BFF who is signed in, unless the client knows
 * already. During an outage `isLoading` becomes false, the state stays `unknown`, and the BFF is asked again, after 2 to
 * 30 seconds.
 *
 * A result of `session.current` or `session.me` that a server put into the QueryClient counts as loaded, on the server too.
 *
 * Renders again with each change: a sign-in, a refresh, a sign-out, another person. `expiresIn` is the value at that change
 * and does not count down; `useAuthClient().session.current` does. Throws outside an `AuthProvider`.
 */
export const useSession = (): SessionView => {
  const { store } = useAuth('useSession');
  return useSyncExternalStore(store.subscribe, store.current, store.rendered);
};

/**
 * Signs out in all tabs. Always the same function, also as the `mutationFn` of `useMutation`. Its promise rejects if the
 * BFF is unreachable; the session then continues. Throws outside an `AuthProvider`.
 */
export const useSignOut = (): (() => Promise<void>) => {
  const { session } = useAuth('useSignOut').client;
  return useCallback(() => session.signOut(), [session]);
};
