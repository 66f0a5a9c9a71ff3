import { type CurrentSession, type Session, sessionExpiresInHeader, sessionRefreshInHeader } from '@auth-bff/shared';
import type { AuthSession } from '../create-auth-client.ts';
import { managerOf } from './manager-of.ts';

/** By the difference of two clocks, a result of this page may seem older than the page itself. */
const clockToleranceMs = 60_000;

/**
 * Gives a client the result of `session.current` or `session.me` that a server loaded for this page: the session counts as
 * loaded, and its refresh is scheduled.
 *
 * Has no effect if the client knows the session already, if the result says `expired`, or if it was loaded long before
 * this page started, as in a restored cache.
 *
 * @param session of `createAuthClient`
 * @param loaded the result
 * @param loadedAt the server's `Date.now()` at the time when it loaded the result, in milliseconds
 * @returns whether the client now knows the session
 */
export const hydrateSession = (session: AuthSession, loaded: CurrentSession | Session, loadedAt: number): boolean => {
  const manager = managerOf.get(session);
  if (manager === undefined || session.current.state !== 'unknown') return session.current.state !== 'unknown';
  const ageMs = Math.max(0, Date.now() - loadedAt);
  if (ageMs > manager.monotonicNow() + clockToleranceMs) return false;
  if ('state' in loaded && loaded.state === 'expired') return false;
  if ('state' in loaded && loaded.state === 'signed_out') {
    manager.onRejected('no_token', { get: () => null }, manager.epoch());
    return true;
  }
  const { user, expiresAt, refreshAt } = 'state' in loaded ? loaded.session : loaded;
  const secondsUntil = (date: Date) => String(Math.max(0, Math.floor((date.getTime() - loadedAt - ageMs) / 1000)));
  const lifetime = new Map<string, string>([
    [sessionExpiresInHeader, secondsUntil(expiresAt)],
    [sessionRefreshInHeader, secondsUntil(refreshAt)],
  ]);
  manager.onResponse({ get: (name) => lifetime.get(name) ?? null }, manager.epoch(), user);
  return true;
};
