import { type CurrentSession, type Session, sessionExpiresInHeader, sessionRefreshInHeader } from '@auth-bff/shared';
import type { AuthSession } from '../create-auth-client.ts';
import { toLoadedSession } from './loaded-session.ts';
import { managerOf } from './manager-of.ts';

/** By the difference of two clocks, a result of this page may seem older than the page itself. */
const clockToleranceMs = 60_000;

const ageMs = (loadedAt: number): number => Math.max(0, Date.now() - loadedAt);

/** Whether a result was loaded for this page, and not long before it started, as in a restored cache. */
export const isOfThisPage = (session: AuthSession, loadedAt: number): boolean => {
  const manager = managerOf.get(session);
  return manager !== undefined && ageMs(loadedAt) <= manager.monotonicNow() + clockToleranceMs;
};

/**
 * Gives a client the result of `session.current` or `session.me` that a server loaded for this page: the session counts as
 * loaded, and its refresh is scheduled.
 *
 * Has no effect if the client knows the session already, if the result says `expired` or is malformed, or if it was loaded
 * long before this page started, as in a restored cache.
 *
 * @param session of `createAuthClient`
 * @param loaded the result
 * @param loadedAt the server's `Date.now()` at the time when it loaded the result, in milliseconds
 * @returns whether the client now knows the session
 */
export const hydrateSession = (session: AuthSession, loaded: CurrentSession | Session, loadedAt: number): boolean => {
  const manager = managerOf.get(session);
  if (manager === undefined || session.current.state !== 'unknown') return session.current.state !== 'unknown';
  const found = isOfThisPage(session, loadedAt) ? toLoadedSession(loaded) : null;
  if (found === null) return false;
  if (found.state === 'signed_out') {
    manager.onRejected('no_token', { get: () => null }, manager.epoch());
  } else {
    // Counted by the server's clock, from the time when it loaded the result.
    const secondsUntil = (atMs: number) => String(Math.max(0, Math.floor((atMs - loadedAt - ageMs(loadedAt)) / 1000)));
    const lifetime = new Map<string, string>([
      [sessionExpiresInHeader, secondsUntil(found.expiresAtMs)],
      [sessionRefreshInHeader, secondsUntil(found.refreshAtMs)],
    ]);
    manager.onResponse({ get: (name) => lifetime.get(name) ?? null }, manager.epoch(), found.user);
  }
  return session.current.state !== 'unknown';
};
