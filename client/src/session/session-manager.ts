import type { Clock } from '../clock.ts';
import { createInFlightRefresh } from './in-flight-refresh.ts';
import type { Page } from './page.ts';
import { createRefreshScheduler, type RefreshSchedulerOptions } from './refresh-scheduler.ts';
import { type ResponseHeaders, lifetimeOf, personOf } from './session-headers.ts';
import { initialSessionState, reduceSession, type SessionEffect, type SessionEvent } from './session-reducer.ts';
import type { SessionRequests } from './session-requests.ts';
import { isSamePerson, type SessionListener, type SessionSnapshot, type SessionUser } from './session-snapshot.ts';
import { type Channel, createTabs, type Locks } from './tabs.ts';

export type SessionManagerOptions = {
  /** Name of the lock that all tabs share. */
  name: string;
  requests: SessionRequests;
  /** Called once when an existing session ends. */
  onSignedOut?: (() => void) | undefined;
  clock: Clock;
  random: RefreshSchedulerOptions['random'];
  page: Page | null;
  locks: Locks | null;
  channel: Channel | null;
  thresholdSeconds: number | null;
  refreshWhileHidden: boolean;
};

/** Runs a callback of the frontend. An exception of it is reported as an uncaught error and does not stop the client. */
const runGuarded = (task: () => void) => {
  try {
    task();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
};

/**
 * Holds the session of this tab, refreshes it once for all callers, and informs the other tabs. The transitions are in
 * `reduceSession`; this function performs their effects.
 */
export const createSessionManager = (options: SessionManagerOptions) => {
  const { requests, onSignedOut, clock } = options;
  const listeners = new Set<SessionListener>();
  let state = initialSessionState;
  let snapshot: SessionSnapshot = { state: 'unknown', user: null, expiresIn: null };
  let loading: Promise<void> | null = null;
  let restoring: Promise<void> | null = null;
  let isDisposed = false;

  /** Views compare snapshots by identity: an unchanged snapshot is the same object. */
  const current = (): SessionSnapshot => {
    const { status, user, expiresAtMs } = state;
    const expiresIn = expiresAtMs === null ? null : Math.max(0, Math.floor((expiresAtMs - clock.now()) / 1000));
    if (snapshot.state !== status || snapshot.user !== user || snapshot.expiresIn !== expiresIn) {
      snapshot = { state: status, user, expiresIn };
    }
    return snapshot;
  };

  const notify = () => {
    const next = current();
    // A copy: a listener may subscribe another one.
    const all = [...listeners];
    for (const listener of all) runGuarded(() => listener(next));
  };

  const perform = (effect: SessionEffect) => {
    switch (effect.type) {
      case 'broadcast':
        return tabs.broadcast(effect.message);
      case 'abort_refresh':
        return inFlight.abort();
      case 'release_waiters':
        return inFlight.release();
      case 'schedule':
        return scheduler.schedule({ ...effect.lifetime, isNew: effect.isNew });
      case 'unschedule':
        return scheduler.unschedule();
      case 'cool_down':
        return scheduler.coolDown(effect.retryAfterSeconds);
      case 'notify':
        return notify();
      case 'call_on_signed_out':
        if (onSignedOut && !isDisposed) runGuarded(onSignedOut);
    }
  };

  const dispatch = (event: SessionEvent): void => {
    const transition = reduceSession(state, event, clock.now());
    state = transition.state;
    for (const effect of transition.effects) perform(effect);
  };

  const tabs = createTabs({ ...options, onMessage: (message) => dispatch({ type: 'tab_message', message }) });
  const inFlight = createInFlightRefresh({ ...options, tabs, getState: () => state, dispatch });
  const scheduler = createRefreshScheduler({
    ...options,
    // A hidden tab checks the session first: a tab of another origin may have refreshed it.
    refresh: ({ isHidden }) => inFlight.refresh(undefined, isHidden),
  });

  const onResponse = (headers: ResponseHeaders, sentIn: number, user: SessionUser | null = personOf(headers)): void => {
    if (!isDisposed) dispatch({ type: 'response', sentIn, lifetime: lifetimeOf(headers), user });
  };
  const onRejected = (reason: string, headers: ResponseHeaders, sentIn: number): void => {
    if (isDisposed) return;
    dispatch({ type: 'rejection', reason, sentIn, lifetime: lifetimeOf(headers), user: personOf(headers) });
  };

  const checkSession = async (): Promise<void> => {
    const sentIn = state.epoch;
    const found = await requests.check();
    const noHeaders = { get: () => null };
    if (found.kind === 'active') onResponse(found.headers, sentIn, found.session.user);
    if (found.kind === 'ended') onRejected('no_token', noHeaders, sentIn);
    if (found.kind !== 'expired' || sentIn !== state.epoch || isDisposed) return;
    onRejected('token_expired', noHeaders, sentIn);
    await inFlight.refresh().catch(() => {});
  };
  const load = (): Promise<void> => {
    loading ??= checkSession().finally(() => {
      loading = null;
    });
    return loading;
  };

  // A frozen page receives no messages of the other tabs.
  const stopListening = options.page?.onRestore(() => {
    restoring ??= load().finally(() => {
      restoring = null;
    });
  });

  return {
    current,
    /**
     * Starts a refresh, or joins the one in flight. `sentIn`: epoch of the rejected call; if newer tokens exist, no refresh
     * is made. Rejects with `session_ended`, with the failure, or with `NotRefreshableError`.
     */
    refresh: (sentIn?: number) => inFlight.refresh(sentIn),
    monotonicNow: clock.now,
    clock,
    /** The current token pair. A call notes it when it is sent. */
    epoch: () => state.epoch,
    /** A call is about to be sent: refreshes if that is due. */
    onCall: () => scheduler.onCall(),
    /** Asks the BFF who is signed in. Never rejects. */
    load,
    /** After a restore from the back/forward cache: the check that calls wait for. Null if there is none. */
    restoring: () => restoring,
    /** A call succeeded. `sentIn`: its epoch. `user`: the person, if the response body names them; default: the header. */
    onResponse,
    onRejected,

    /** Whether the response to a call of the epoch `sentIn` belongs to the previous person. */
    isOfPreviousPerson: (headers: ResponseHeaders, sentIn: number): boolean =>
      sentIn < state.personSince && !isSamePerson(state.user, personOf(headers)),

    /** A call of the frontend signed in or refreshed. */
    onTokens: (cause: 'refreshed' | 'signed_in', user: SessionUser, headers: ResponseHeaders): void =>
      dispatch({ type: 'tokens', cause, user, lifetime: lifetimeOf(headers) }),

    /** The person signed out in this tab. A refresh in flight is aborted. */
    onSignedOut: (): void => dispatch({ type: 'signed_out' }),

    /** `isImmediate`: calls the listener at once, too. Returns a function that unsubscribes. */
    subscribe(listener: SessionListener, isImmediate = false): () => void {
      // A function of its own for each subscription: the same listener may subscribe twice.
      const entry: SessionListener = (next) => listener(next);
      listeners.add(entry);
      if (isImmediate) runGuarded(() => listener(current()));
      return () => {
        listeners.delete(entry);
      };
    },

    isDisposed: () => isDisposed,
    /** Removes all timers and listeners. Calls that wait for a refresh still receive its result. */
    dispose(): void {
      isDisposed = true;
      listeners.clear();
      stopListening?.();
      scheduler.dispose();
      tabs.close();
    },
  };
};

export type SessionManager = ReturnType<typeof createSessionManager>;
