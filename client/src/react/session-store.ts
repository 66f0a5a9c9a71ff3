import { notifyManager, type QueryClient } from '@tanstack/react-query';
import type { AuthSession } from '../create-auth-client.ts';
import type { SessionSnapshot } from '../session/session-snapshot.ts';
import { syncCache, watchCacheOwner } from './sync-cache.ts';

/**
 * One subscription for all components. Its snapshot changes only with the session, whereas `session.current` counts down
 * the seconds.
 */
export const createSessionStore = (session: AuthSession, queryClient: QueryClient) => {
  let snapshot = session.current;
  let unsubscribe: (() => void) | null = null;
  let stopWatching = () => {};
  const listeners = new Set<() => void>();
  // Before the first render: another person may have signed in while no provider was mounted.
  syncCache(queryClient, snapshot);

  const update = (next: SessionSnapshot): void =>
    notifyManager.batch(() => {
      syncCache(queryClient, next);
      // In the same batch as the queries: no frame shows the new person beside the data of the previous one.
      notifyManager.schedule(() => {
        snapshot = next;
        for (const listener of listeners) listener();
      });
    });

  return {
    current: () => snapshot,
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      if (unsubscribe === null) {
        unsubscribe = session.subscribe(update);
        if (session.current !== snapshot) update(session.current);
        stopWatching = watchCacheOwner(session, queryClient);
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

export type SessionStore = ReturnType<typeof createSessionStore>;
