import type { QueryClient } from '@tanstack/react-query';
import type { AuthSession } from '../create-auth-client.ts';
import { isSamePerson } from '../session/session-snapshot.ts';
import { isOwnerQuery, ownersOf } from './cache-owner.ts';
import { emptyCache } from './empty-cache.ts';
import type { HydratedSession } from './hydrated-session.ts';
import { claimCache, isActive } from './sync-cache.ts';

/**
 * Follows what is put into the cache from outside, before or after the session is known: a persisted cache that is restored,
 * and the data that a server loaded. Returns a function that stops this.
 */
export const watchCache = (session: AuthSession, queryClient: QueryClient, hydrated: HydratedSession): (() => void) => {
  let isScheduled = false;
  let hasHydrated = false;
  let isStopped = false;

  /** The server loaded its data as another person, or before a sign-in or sign-out. Only the BFF can tell who is right. */
  const compareHydrated = (isNew: boolean): void => {
    const { state, user } = session.current;
    const found = hydrated.found();
    if (state === 'unknown' || found === null) return;
    const { loaded, isOfThisPage } = found;
    const isOther = loaded.state === 'signed_in' && user !== null && !isSamePerson(user, loaded.user);
    if (isOther) emptyCache(queryClient, { where: () => true, outcome: 'refetch' });
    const isContrary = isOther || (isNew && isActive(session.current) !== (loaded.state === 'signed_in'));
    if (isContrary && isOfThisPage) session.load().catch(() => {});
  };

  const check = () => {
    const isNew = hasHydrated;
    isScheduled = false;
    hasHydrated = false;
    if (isStopped) return;
    if (session.current.state === 'unknown') hydrated.adopt();
    else compareHydrated(isNew);
    if (session.current.state !== 'unknown') claimCache(queryClient, session.current);
    // The cache is of an earlier page, and another person may have signed in since.
    else if (ownersOf(queryClient).length > 0) session.load().catch(() => {});
  };

  check();
  const unsubscribe = queryClient.getQueryCache().subscribe((event) => {
    const isHydration = hydrated.isHydration(event);
    if (isHydration) hydrated.remember();
    hasHydrated ||= isHydration;
    if (isScheduled || !(isHydration || isOwnerQuery(event.query))) return;
    isScheduled = true;
    // After all is restored, outside of a render, and before a component renders it.
    queueMicrotask(check);
  });
  return () => {
    isStopped = true;
    unsubscribe();
  };
};
