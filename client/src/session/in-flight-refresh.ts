import type { Clock } from '../clock.ts';
import { errorData, sessionEndedError } from '../errors.ts';
import { lifetimeOf } from './session-headers.ts';
import { isActive, type RefreshResult, type SessionEvent, type SessionState, toTabMessage } from './session-reducer.ts';
import type { RefreshOutcome, SessionCheck, SessionRequests } from './session-requests.ts';
import type { Locks, Tabs } from './tabs.ts';

export type InFlightRefreshOptions = {
  requests: SessionRequests;
  tabs: Tabs;
  locks: Locks | null;
  clock: Clock;
  getState: () => SessionState;
  dispatch: (event: SessionEvent) => void;
};

/** This client cannot refresh. The caller reports the error of the call instead. */
export class NotRefreshableError extends Error {}

type InFlight = {
  /** Aborted when newer tokens exist: waiters continue without the result. */
  released: AbortController;
  /** Aborted when the result must not replace the current cookies. */
  request: AbortController;
};

const toRefreshResult = (outcome: RefreshOutcome): RefreshResult => {
  if (outcome.kind === 'active') {
    const { session, headers, isNew } = outcome;
    return { kind: 'active', user: session.user, lifetime: lifetimeOf(headers), isNew };
  }
  if (outcome.kind !== 'failed') return outcome;
  return { kind: 'failed', retryAfterSeconds: errorData(outcome.error)?.retryAfterSeconds };
};

/** Single-flight refresh, across the tabs if the browser has locks. */
export const createInFlightRefresh = (options: InFlightRefreshOptions) => {
  const { requests, tabs, locks, clock, getState, dispatch } = options;
  let inFlight: InFlight | null = null;
  let result: Promise<void> | null = null;

  /** Whether the token expires later than the known one. A rejected call makes any valid token count as newer. */
  const isNewer = (outcome: RefreshOutcome, isRejected: boolean) => {
    if (outcome.kind !== 'active') return false;
    const { expiresAtMs } = getState();
    if (isRejected || expiresAtMs === null) return true;
    const lifetime = lifetimeOf(outcome.headers);
    return lifetime !== null && clock.now() + lifetime.expiresIn * 1000 > expiresAtMs + 1000;
  };

  /** Refreshes unless the check shows that another tab has, and informs the other tabs before the lock is released. */
  const refreshUnderLock = async (
    { released, request }: InFlight,
    isRejected: boolean,
    check: Promise<SessionCheck> | null,
  ): Promise<RefreshOutcome | null> => {
    const found = await check;
    let outcome: RefreshOutcome | null = null;
    if (found && found.kind !== 'expired' && (found.kind === 'ended' || isNewer(found, isRejected))) outcome = found;
    outcome ??= released.signal.aborted ? null : await requests.refresh(request.signal);
    if (outcome === null || released.signal.aborted) return null;
    const state = getState();
    if (outcome.kind === 'active') {
      const { isNew, session, headers } = outcome;
      tabs.broadcast(toTabMessage(state, isNew ? 'refreshed' : 'changed', session.user, lifetimeOf(headers)));
    }
    if (outcome.kind === 'superseded') tabs.broadcast(toTabMessage(state, 'refreshed', null, null));
    if (outcome.kind === 'ended' && isActive(state)) tabs.broadcast({ type: 'signed_out' });
    return outcome;
  };

  const throwIfSignedOut = () => {
    if (getState().status === 'signed_out') throw sessionEndedError();
  };

  const run = async (current: InFlight, isRejected: boolean, checksFirst: boolean): Promise<void> => {
    const { signal } = current.released;
    const firstCheck = checksFirst ? requests.check() : null;
    const outcome = await tabs.withLock(
      (hasWaited) => {
        // Another tab may have refreshed, and its message may arrive later than the lock.
        const checksAgain = locks !== null && (isRejected || hasWaited);
        return refreshUnderLock(current, isRejected, checksAgain ? requests.check() : firstCheck);
      },
      { signal, probe: firstCheck },
    );
    if (outcome === null || signal.aborted) return throwIfSignedOut();
    dispatch({ type: 'refresh_result', result: toRefreshResult(outcome) });
    if (outcome.kind === 'ended') throw sessionEndedError();
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'not_refreshable') {
      throw new NotRefreshableError('The client sends its own cookie or authorization header and cannot refresh it.');
    }
  };

  return {
    /**
     * One refresh for all callers. `sentIn`: epoch of the rejected call. If it is over, newer tokens exist: the call waits
     * for a refresh in flight, whatever its result, and needs none of its own.
     * `checksFirst`: asks the BFF for the session before it refreshes.
     */
    refresh(sentIn?: number, checksFirst = false): Promise<void> {
      if (sentIn !== undefined && sentIn < getState().epoch) {
        return (result ?? Promise.resolve()).then(throwIfSignedOut, throwIfSignedOut);
      }
      inFlight ??= { released: new AbortController(), request: new AbortController() };
      result ??= run(inFlight, sentIn !== undefined, checksFirst).finally(() => {
        inFlight = null;
        result = null;
      });
      return result;
    },
    /** Waiters continue. The request goes on; its result is dropped. */
    release: () => inFlight?.released.abort(),
    /** Aborts the request. */
    abort: () => inFlight?.request.abort(),
  };
};
