import type { Session } from '@auth-bff/shared';
import { hashKey, type Query, type QueryCacheNotifyEvent, type QueryClient } from '@tanstack/react-query';
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query';
import type { AuthClient } from '../create-auth-client.ts';
import { hydrateSession, isOfThisPage } from '../session/hydrate-session.ts';
import { type LoadedSession, toLoadedSession } from '../session/loaded-session.ts';
import { hasOtherOwner } from './cache-owner.ts';
import { type SessionView, toView } from './session-view.ts';

type Found = { data: unknown; loadedAt: number; loaded: LoadedSession; view: SessionView };

/** The same on the server and in the browser: counted from the time when the result was loaded. */
const viewOf = (loaded: LoadedSession, loadedAt: number): SessionView => {
  if (loaded.state === 'signed_out') return toView({ state: 'signed_out', user: null, expiresIn: null }, true);
  const expiresIn = Math.max(0, Math.floor((loaded.expiresAtMs - loadedAt) / 1000));
  return toView({ state: 'signed_in', user: loaded.user, expiresIn: Number.isNaN(expiresIn) ? null : expiresIn }, true);
};

/**
 * Finds the result of `session.current` or `session.me` in a QueryClient: a server loaded it, and `HydrationBoundary` or
 * `hydrate` put it there. Only queries with the keys of `useTRPC` count: a key with a prefix may be of another router.
 */
export const createHydratedSession = ({ session, trpc }: AuthClient, queryClient: QueryClient) => {
  const { current, me } = createTRPCOptionsProxy({ client: trpc, queryClient }).session;
  const hashes = new Set([current, me].map((procedure) => hashKey(procedure.queryKey())));
  const isSessionQuery = ({ queryKey }: Query) => hashes.has(hashKey(queryKey));
  let last: Found | null = null;
  let rendered: SessionView | null = null;
  let isAdopting = false;

  /** The newest result. An unchanged result is the same object. Null if there is none, or if the newest is not valid. */
  const find = (): Found | null => {
    let newest: Query['state'] | null = null;
    for (const { state } of queryClient.getQueryCache().findAll({ predicate: isSessionQuery })) {
      if (state.data !== undefined && state.dataUpdatedAt > (newest?.dataUpdatedAt ?? -1)) newest = state;
    }
    if (newest === null) return null;
    const { data, dataUpdatedAt: loadedAt } = newest;
    if (last?.data === data && last?.loadedAt === loadedAt) return last;
    const loaded = toLoadedSession(data);
    last = loaded && { data, loadedAt, loaded, view: viewOf(loaded, loadedAt) };
    return last;
  };

  const isOfAnother = ({ loaded }: Found) => loaded.state === 'signed_in' && hasOtherOwner(queryClient, loaded.user);

  return {
    /** Whether the event is the hydration of a session: a new query, or a new state of an existing one. */
    isHydration: (event: QueryCacheNotifyEvent): boolean =>
      (event.type === 'added' || (event.type === 'updated' && event.action.type === 'setState')) &&
      event.query.state.data !== undefined &&
      isSessionQuery(event.query),

    /** The session of this page, for a render before it is adopted. Null if the BFF must be asked. */
    view(): SessionView | null {
      const found = find();
      // The data of another person is still in the cache, and must not be seen beside this person.
      if (found === null || isOfAnother(found) || !isOfThisPage(session, found.loadedAt)) return null;
      return found.view;
    },

    /**
     * Remembers what the server rendered, however old it is: parts of the page may be hydrated after the session has
     * changed. Called while no query of this page has a result yet, or after a hydration.
     */
    remember(): void {
      rendered ??= find()?.view ?? null;
    },
    rendered: (): SessionView | null => rendered,

    /** Gives the session to the client, if that does not know any. */
    adopt(): void {
      const found = find();
      if (found === null) return;
      isAdopting = true;
      hydrateSession(session, found.data as Session, found.loadedAt);
      isAdopting = false;
    },
    /** Whether the change of the session that is reported now is an adoption. */
    isAdopting: (): boolean => isAdopting,

    /** The result, and whether it was loaded for this page. Null if there is none. */
    found: (): { loaded: LoadedSession; isOfThisPage: boolean } | null => {
      const found = find();
      return found && { loaded: found.loaded, isOfThisPage: isOfThisPage(session, found.loadedAt) };
    },
  };
};

export type HydratedSession = ReturnType<typeof createHydratedSession>;
