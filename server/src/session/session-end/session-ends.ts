import type { SessionEndEvent } from '@auth-bff/shared';
import type { Sweep } from '../../live/sweep.ts';
import { type StartTimer, startSystemTimer } from '../../platform/start-timer.ts';
import type { VerifiedToken } from '../../token/verified-token.ts';
import type { AccountStatus } from '../refresh/account-status.ts';
import type { SessionService } from '../sign-in/session-service.ts';

export type SessionEndsOptions = {
  sessions: Pick<SessionService, 'isSignedOut' | 'isSignedOutHere' | 'mayBeSignedOutHere'>;
  accountStatus: Pick<AccountStatus, 'isKnownInactive'>;
  sweep: Sweep;
  /** Milliseconds between two lookups of a session at the other replicas: their messages can be lost. */
  recheckMs: number;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Default `Math.random`. */
  random?: (() => number) | undefined;
  /** Starts the timer that collects several sign-outs for one check. Default `setTimeout`. */
  startTimer?: StartTimer | undefined;
};

export type OnSessionEnd = (end: SessionEndEvent) => void;

/** One access token with those who want to know about the end of its session. */
type Watched = {
  access: VerifiedToken;
  listeners: Set<OnSessionEnd>;
  /** Monotonic milliseconds. */
  recheckAtMs: number;
  isLookedUp: boolean;
};

/** A check reads the state of all watched sessions, so that it runs once for the sign-outs of this many milliseconds. */
const collectMs = 20;

/**
 * Tells when a session ends: it was signed out here or at another replica, by itself or with all sessions of its person, or
 * its person is found inactive. An expired token is not an end: its session goes on with the next one.
 */
export const createSessionEnds = (options: SessionEndsOptions) => {
  const { sessions, accountStatus, sweep, recheckMs, monotonicNow } = options;
  const { random = Math.random, startTimer = startSystemTimer } = options;
  /** By the fingerprint of the access token. */
  const watched = new Map<string, Watched>();
  let isCheckPending = false;
  let stopSweep = () => {};

  const forget = (session: Watched): void => {
    const { fingerprint } = session.access;
    // A lookup may end a session that is no longer watched, whose token is watched again.
    if (watched.get(fingerprint) !== session) return;
    watched.delete(fingerprint);
    if (watched.size === 0) stopSweep();
  };

  const end = (session: Watched, event: SessionEndEvent): void => {
    forget(session);
    for (const listener of session.listeners) {
      session.listeners.delete(listener);
      listener(event);
    }
  };

  /** Looks the session up at the other replicas. */
  const lookUp = async (session: Watched): Promise<void> => {
    if (session.isLookedUp) return;
    session.isLookedUp = true;
    session.recheckAtMs = monotonicNow() + recheckMs;
    try {
      if (await sessions.isSignedOut(session.access)) end(session, { reason: 'session_ended' });
    } finally {
      session.isLookedUp = false;
    }
  };

  /** Needs no I/O, except for a session whose person has a cutoff: only Redis knows whether it is kept. */
  const check = (session: Watched): void => {
    const { access } = session;
    if (sessions.isSignedOutHere(access)) return end(session, { reason: 'session_ended' });
    if (accountStatus.isKnownInactive(access.principal)) return end(session, { reason: 'account_inactive' });
    if (sessions.mayBeSignedOutHere(access)) void lookUp(session);
  };

  const checkAll = (): void => {
    for (const session of watched.values()) check(session);
  };

  const onSweep = (): void => {
    const nowMs = monotonicNow();
    for (const session of watched.values()) {
      check(session);
      if (nowMs >= session.recheckAtMs) void lookUp(session);
    }
  };

  return {
    /** Calls back once when the session of the token ends, until the returned function is called. */
    watch(access: VerifiedToken, listener: OnSessionEnd): () => void {
      const { fingerprint } = access;
      if (watched.size === 0) stopSweep = sweep.add(onSweep);
      const session = watched.get(fingerprint) ?? {
        access,
        listeners: new Set(),
        // At a random moment, so that sessions that begin together are not looked up together.
        recheckAtMs: monotonicNow() + random() * recheckMs,
        isLookedUp: false,
      };
      watched.set(fingerprint, session);
      session.listeners.add(listener);
      // A sign-out may have arrived since the session of the call was checked.
      check(session);
      return () => {
        session.listeners.delete(listener);
        if (session.listeners.size === 0) forget(session);
      };
    },

    /** A session was signed out, here or at another replica. */
    onSignOut(): void {
      if (isCheckPending || watched.size === 0) return;
      isCheckPending = true;
      startTimer(() => {
        isCheckPending = false;
        checkAll();
      }, collectMs);
    },
  };
};

export type SessionEnds = ReturnType<typeof createSessionEnds>;
