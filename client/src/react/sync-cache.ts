import type { Query, QueryClient } from '@tanstack/react-query';
import { isAuthError } from '../errors.ts';
import { isSamePerson, type SessionSnapshot } from '../session/session-snapshot.ts';
import { hasOtherOwner, ownersOf, setOwner } from './cache-owner.ts';
import { emptyCache } from './empty-cache.ts';

export const isActive = ({ state }: SessionSnapshot): boolean => state === 'signed_in' || state === 'changed';

/** An unnamed person who is named now is the same person. */
const isOtherPerson = (previous: SessionSnapshot, next: SessionSnapshot): boolean => {
  if (!isActive(next) || isSamePerson(previous.user, next.user)) return false;
  return next.state === 'changed' || (previous.user !== null && next.user !== null);
};

const hasData = ({ state }: Query) => state.data !== undefined;

/** Empties a cache that belongs to another person, such as a persisted one, and stores the current person as its owner. */
export const claimCache = (queryClient: QueryClient, snapshot: SessionSnapshot): void => {
  const { state, user } = snapshot;
  if (state === 'signed_out' && ownersOf(queryClient).length > 0) {
    emptyCache(queryClient, { where: hasData, outcome: 'refetch' });
  } else if (isActive(snapshot) && user !== null) {
    if (hasOtherOwner(queryClient, user)) emptyCache(queryClient, { where: () => true, outcome: 'refetch' });
    setOwner(queryClient, user);
  }
};

/** The last snapshot that was applied to each cache, also while no provider is mounted. */
const lastSnapshots = new WeakMap<QueryClient, SessionSnapshot>();

/**
 * Applies a change of the session to the cache. After a sign-out no query is refetched: it could revive the session.
 * `isHydrated`: the session was found in this cache, so the data belongs to it.
 */
export const syncCache = (queryClient: QueryClient, next: SessionSnapshot, { isHydrated = false } = {}): void => {
  const previous = lastSnapshots.get(queryClient) ?? next;
  lastSnapshots.set(queryClient, next);
  if (isOtherPerson(previous, next)) {
    emptyCache(queryClient, { where: () => true, outcome: 'refetch' });
  } else if (isActive(previous) && next.state === 'signed_out') {
    const wasUsed = ({ state }: Query) => state.status !== 'pending' || state.fetchStatus !== 'idle';
    emptyCache(queryClient, { where: wasUsed, outcome: 'session_ended' });
  } else if (previous.state === 'unknown' && next.state === 'signed_out' && !isHydrated) {
    // Data that a server rendered for a session that has ended since. The call that failed keeps its own error.
    emptyCache(queryClient, { where: hasData, outcome: 'refetch' });
  } else if (previous.state === 'signed_out' && isActive(next)) {
    const wasRejected = ({ state }: Query) => isAuthError(state.error);
    void queryClient.refetchQueries({ type: 'active', predicate: wasRejected }, { cancelRefetch: false });
  }
  claimCache(queryClient, next);
};
