import type { AppRouter } from '@auth-bff/server';
import {
  notifyManager,
  type Query,
  type QueryClient,
  QueryClientProvider,
  type QueryState,
} from '@tanstack/react-query';
import type { TRPCClient } from '@trpc/client';
import { createTRPCContext, type TRPCOptionsProxy } from '@trpc/tanstack-react-query';
import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from 'react';
import { isOfAnother, isOwnerQuery, ownersOf, setOwner } from './react/cache-owner.ts';
import type { AuthClient, AuthSession } from './create-auth-client.ts';
import { isAuthError, sessionEnded } from './errors.ts';
import { isSamePerson, type SessionSnapshot } from './session/session-snapshot.ts';

const trpcContext = createTRPCContext<AppRouter>();

/** The procedures as options for TanStack Query: `useQuery(useTRPC().users.byId.queryOptions({ id }))`. Throws outside an `AuthProvider`. */
export const useTRPC: () => TRPCOptionsProxy<AppRouter> = trpcContext.useTRPC;

/** The client itself, for a call that belongs in no cache: the `trpc` of the `AuthProvider`'s client. Throws outside one. */
export const useTRPCClient: () => TRPCClient<AppRouter> = trpcContext.useTRPCClient;

const attemptsOfOtherQueries = 3;

/**
 * For a QueryClient's `defaultOptions.queries.retry`: leaves each failed call of the BFF alone, and tries any
 * other query three times more (on a server not at all), as TanStack Query does by default.
 *
 * The client itself tries queries again during an outage, and knows when; a second layer would multiply its
 * attempts. And nothing else that the BFF says (a sign-in is needed, the input is wrong) is mended by asking again.
 */
export const retry = (failureCount: number, error: Error): boolean => {
  // By its name, since a frontend may well have two copies of @trpc/client.
  if (error.name === 'TRPCClientError') return false;
  return typeof window !== 'undefined' && failureCount < attemptsOfOtherQueries;
};

const nothingKnown = {
  data: undefined,
  dataUpdateCount: 0,
  dataUpdatedAt: 0,
  error: null,
  errorUpdateCount: 0,
  errorUpdatedAt: 0,
  fetchFailureCount: 0,
  fetchFailureReason: null,
  fetchMeta: null,
  isInvalidated: false,
  status: 'pending',
  fetchStatus: 'idle',
} satisfies QueryState;

type ForgetOptions = { where: (query: Query) => boolean; outcome: 'ask again' | 'session ended' };

/**
 * Drops what the cache holds, and what is on its way to it: that may be of the previous person. Not by `clear`, which
 * tells no component, nor by `resetQueries`, which brings `initialData` back and always asks again.
 */
const forget = (queryClient: QueryClient, { where, outcome }: ForgetOptions): void => {
  const cache = queryClient.getQueryCache();
  const forgotten = new Set(cache.getAll().filter(where));
  for (const query of forgotten) {
    const isUnderWay = query.state.fetchStatus !== 'idle';
    void query.cancel({ silent: true });
    if (outcome === 'ask again') query.setState(nothingKnown);
    else {
      const error = sessionEnded();
      const errorUpdatedAt = Date.now();
      query.setState({
        ...nothingKnown,
        status: 'error',
        error,
        errorUpdateCount: 1,
        errorUpdatedAt,
        isInvalidated: true,
      });
    }
    // A component that suspends for it observes nothing yet: it has to find the error, or it would ask for ever.
    if (query.getObserversCount() === 0 && !isUnderWay) cache.remove(query);
    // A caller that waits for it, such as a router's loader, gets the new person's answer.
    else if (isUnderWay && outcome === 'ask again' && !query.isActive()) query.fetch().catch(() => {});
  }
  // Paused ones, too: they would be sent as somebody else. One that is under way still ends for its caller.
  queryClient.getMutationCache().clear();
  if (outcome === 'ask again') {
    void queryClient.refetchQueries({ type: 'active', predicate: (query) => forgotten.has(query) });
  }
};

const isThere = ({ state }: SessionSnapshot): boolean => state === 'signed_in' || state === 'changed';

/** Whether what was loaded before is another person's. A person who is only now named is the one who was there. */
const isOtherPerson = (before: SessionSnapshot, next: SessionSnapshot): boolean => {
  if (!isThere(next) || isSamePerson(before.user, next.user)) return false;
  return next.state === 'changed' || (before.user !== null && next.user !== null);
};

/** Empties a cache that was filled for another person, perhaps on an earlier page, and says whose it is now. */
const claim = (queryClient: QueryClient, snapshot: SessionSnapshot): void => {
  const { state, user } = snapshot;
  if (state === 'signed_out' && ownersOf(queryClient).length > 0) {
    forget(queryClient, { where: (query) => query.state.data !== undefined, outcome: 'ask again' });
  } else if (isThere(snapshot) && user !== null) {
    if (isOfAnother(queryClient, user)) forget(queryClient, { where: () => true, outcome: 'ask again' });
    setOwner(queryClient, user);
  }
};

/** The session that each cache was last seen with, also while no provider is mounted. */
const lastSeenWith = new WeakMap<QueryClient, SessionSnapshot>();

/** Makes the cache fit the session. Asks nothing again on a sign-out, since answers may bring the session back. */
const settle = (queryClient: QueryClient, next: SessionSnapshot): void => {
  const before = lastSeenWith.get(queryClient) ?? next;
  lastSeenWith.set(queryClient, next);
  if (isOtherPerson(before, next)) {
    forget(queryClient, { where: () => true, outcome: 'ask again' });
  } else if (isThere(before) && next.state === 'signed_out') {
    const wasUsed = ({ state }: Query) => state.status !== 'pending' || state.fetchStatus !== 'idle';
    forget(queryClient, { where: wasUsed, outcome: 'session ended' });
  } else if (before.state === 'unknown' && next.state === 'signed_out') {
    // What a server rendered for a session that has ended meanwhile. The call that found out keeps its own error.
    forget(queryClient, { where: ({ state }) => state.data !== undefined, outcome: 'ask again' });
  } else if (before.state === 'signed_out' && isThere(next)) {
    const wasRefused = ({ state }: Query) => isAuthError(state.error);
    void queryClient.refetchQueries({ type: 'active', predicate: wasRefused }, { cancelRefetch: false });
  }
  claim(queryClient, next);
};

/**
 * Checks whose the cache is whenever it may have been restored from a store: before the session is known, or after.
 * Returns how to stop that.
 */
const watchOwner = (session: AuthSession, queryClient: QueryClient): (() => void) => {
  let isPending = false;
  const check = () => {
    isPending = false;
    if (session.current.state !== 'unknown') claim(queryClient, session.current);
    // The cache is of an earlier page. Somebody else may be signed in now.
    else if (ownersOf(queryClient).length > 0) session.load().catch(() => {});
  };
  check();
  return queryClient.getQueryCache().subscribe(({ query }) => {
    if (isPending || !isOwnerQuery(query)) return;
    isPending = true;
    // Once all of the cache is restored, and before a component shows it.
    queueMicrotask(check);
  });
};

/** One subscription for all components, over a snapshot that only a change replaces: `session.current` counts seconds. */
const createSessionStore = (session: AuthSession, queryClient: QueryClient) => {
  let snapshot = session.current;
  let unsubscribe: (() => void) | null = null;
  let stopWatching = () => {};
  const listeners = new Set<() => void>();
  // Before the first look at the cache: another person may have signed in while no provider was there to see it.
  settle(queryClient, snapshot);

  const update = (next: SessionSnapshot): void =>
    notifyManager.batch(() => {
      settle(queryClient, next);
      // With the queries' own word, so that no frame shows the new person beside what the old one saw.
      notifyManager.schedule(() => {
        snapshot = next;
        for (const tell of listeners) tell();
      });
    });

  return {
    current: () => snapshot,
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      if (unsubscribe === null) {
        unsubscribe = session.subscribe(update);
        if (session.current !== snapshot) update(session.current);
        stopWatching = watchOwner(session, queryClient);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stopWatching();
        unsubscribe?.();
        unsubscribe = null;
      };
    },
  };
};

const SessionContext = createContext<ReturnType<typeof createSessionStore> | null>(null);

export type AuthProviderProps = {
  /** Of `createAuthClient`: one for the page in a browser, one for each request on a server. Disposing of it stays with you. */
  client: AuthClient;
  /** Provided to TanStack Query's hooks, too: no QueryClientProvider is needed. One for each request on a server. */
  queryClient: QueryClient;
  children?: ReactNode;
};

/**
 * Gives the components below it the procedures, the session and the cache, and keeps one person's data from the next:
 * - Another person's sign-in, also in another tab or on another origin, empties the cache and asks active queries again.
 * - So does a persisted cache of another person, whenever it is restored.
 * - A sign-out empties the cache, and queries that are still on the page end in `session_ended`, without a request.
 * - After a sign-in, active queries that were refused are asked again.
 *
 * Only the cache is emptied: what a component holds in a state of its own is for it to drop, such as by `key={user?.id}`.
 */
export const AuthProvider = ({ client, queryClient, children }: AuthProviderProps): ReactElement => {
  const { session, trpc } = client;
  const store = useMemo(() => createSessionStore(session, queryClient), [session, queryClient]);
  // Also where no component asks for the session.
  useEffect(() => store.subscribe(() => {}), [store]);
  const inSession = createElement(SessionContext.Provider, { value: store }, children);
  const inTRPC = createElement(trpcContext.TRPCProvider, { trpcClient: trpc, queryClient, children: inSession });
  return createElement(QueryClientProvider, { client: queryClient }, inTRPC);
};

const onServer: SessionSnapshot = { state: 'unknown', user: null, expiresIn: null };

/**
 * What is known of the session, and a render with each change of it: a sign-in, a refresh, a sign-out, another person.
 * `expiresIn` is as of that change and does not count down; `client.session.current` does. On a server, and while
 * its page is hydrated, it is `unknown`. Throws outside an `AuthProvider`.
 */
export const useSession = (): SessionSnapshot => {
  const store = useContext(SessionContext);
  if (store === null) throw new Error('useSession() can only be used inside of an <AuthProvider>.');
  return useSyncExternalStore(store.subscribe, store.current, () => onServer);
};
