import { notifyManager, type QueryClient } from '@tanstack/react-query';
import type { AuthClient } from '../create-auth-client.ts';
import type { SessionSnapshot } from '../session/session-snapshot.ts';
import { createHydratedSession } from './hydrated-session.ts';
import { createSessionLoader } from './session-loader.ts';
import { type SessionView, toView } from './session-view.ts';
import { syncCache } from './sync-cache.ts';
import { watchCache } from './watch-cache.ts';

const nothingKnown = toView({ state: 'unknown', user: null, expiresIn: null }, false);

/**
 * One subscription for all components. Its view changes only with the session, whereas `session.current` counts down
 * the seconds.
 */
export const createSessionStore = (client: AuthClient, queryClient: QueryClient) => {
  const { session } = client;
  const hydrated = createHydratedSession(client, queryClient);
  let hasAsked = false;
  let snapshot = session.current;
  let view = toView(snapshot, hasAsked);
  let hasConnected = false;
  let connections = 0;
  let disconnect = () => {};
  const listeners = new Set<() => void>();
  // Before the first render: another person may have signed in while no provider was mounted.
  syncCache(queryClient, snapshot);

  const show = (next: SessionSnapshot): void => {
    snapshot = next;
    view = toView(next, hasAsked);
    for (const listener of listeners) listener();
  };

  const update = (next: SessionSnapshot): void => {
    if (next.state !== 'unknown') loader.stop();
    notifyManager.batch(() => {
      syncCache(queryClient, next, { isHydrated: hydrated.isAdopting() });
      // In the same batch as the queries: no frame shows the new person beside the data of the previous one.
      notifyManager.schedule(() => show(next));
    });
  };

  const loader = createSessionLoader({
    session,
    beforeLoad: hydrated.adopt,
    onAsked: () => {
      hasAsked = true;
      if (session.current.state === 'unknown' && view.isLoading) notifyManager.schedule(() => show(session.current));
    },
  });

  /** Follows the session and the cache. Returns a function that stops this. */
  const connect = (): (() => void) => {
    connections += 1;
    if (!hasConnected) hydrated.remember();
    hasConnected = true;
    if (connections === 1) {
      const unsubscribe = session.subscribe(update);
      if (session.current !== snapshot) update(session.current);
      const stopWatching = watchCache(session, queryClient, hydrated);
      disconnect = () => {
        stopWatching();
        unsubscribe();
      };
    }
    return () => {
      connections -= 1;
      if (connections === 0) disconnect();
    };
  };

  return {
    connect,
    /** Before an effect has adopted a hydrated session, this already shows it: a render must not change the client. */
    current: (): SessionView => (snapshot.state === 'unknown' ? (hydrated.view() ?? view) : view),
    /** What the server rendered. */
    rendered(): SessionView {
      if (!hasConnected) hydrated.remember();
      return hydrated.rendered() ?? nothingKnown;
    },
    /** For a component that shows the session: loads it if it is unknown. */
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      const stop = connect();
      if (session.current.state === 'unknown') loader.start();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) loader.stop();
        stop();
      };
    },
  };
};

export type SessionStore = ReturnType<typeof createSessionStore>;
