import { isSamePerson, type SessionUser } from './session-snapshot.ts';
import type { Lifetime } from './session-headers.ts';
import type { TabMessage } from './tabs.ts';

/**
 * `epoch` counts the token pairs: it goes up with each refresh, sign-in, sign-out and change of person, in this tab or in
 * another one. A response to a call of an earlier epoch says nothing about the current session.
 */
type Epochs = {
  epoch: number;
  /** The epoch in which the current person signed in. */
  personSince: number;
};

type InactiveState = Epochs & { status: 'unknown' | 'signed_out'; user: null; expiresAtMs: null };
type ActiveState = Epochs & {
  status: 'signed_in' | 'changed';
  user: SessionUser | null;
  /** Monotonic time in milliseconds. Null if the BFF has not stated the lifetime. */
  expiresAtMs: number | null;
};
export type SessionState = InactiveState | ActiveState;

/** The result of a refresh, or of the check that precedes it, as far as the state depends on it. */
export type RefreshResult =
  /** `isNew`: the token was issued just now. Otherwise another tab or origin has refreshed already. */
  | { kind: 'active'; user: SessionUser; lifetime: Lifetime | null; isNew: boolean }
  | { kind: 'superseded' }
  | { kind: 'ended' }
  | { kind: 'failed'; retryAfterSeconds?: number | undefined }
  | { kind: 'not_refreshable' };

export type SessionEvent =
  /** A call succeeded, or was rejected for a reason that is not about the session. `user`: whose session it was sent in. */
  | { type: 'response'; sentIn: number; lifetime: Lifetime | null; user: SessionUser | null }
  /** A call was rejected. */
  | { type: 'rejection'; reason: string; sentIn: number; lifetime: Lifetime | null; user: SessionUser | null }
  /** A call of the frontend signed in, or refreshed. */
  | { type: 'tokens'; cause: 'refreshed' | 'signed_in'; user: SessionUser; lifetime: Lifetime | null }
  | { type: 'refresh_result'; result: RefreshResult }
  | { type: 'signed_out' }
  | { type: 'tab_message'; message: TabMessage };

export type SessionEffect =
  | { type: 'broadcast'; message: TabMessage }
  /** Aborts the request in flight: its cookies must not replace the current ones. */
  | { type: 'abort_refresh' }
  /** Calls that wait for the refresh in flight continue: newer tokens exist. */
  | { type: 'release_waiters' }
  | { type: 'schedule'; lifetime: Lifetime; isNew: boolean }
  | { type: 'unschedule' }
  | { type: 'cool_down'; retryAfterSeconds: number | undefined }
  | { type: 'notify' }
  | { type: 'call_on_signed_out' };

export type Transition = { state: SessionState; effects: SessionEffect[] };

export const initialSessionState: SessionState = {
  status: 'unknown',
  user: null,
  expiresAtMs: null,
  epoch: 0,
  personSince: 0,
};

/** Reasons that end the session for good. `token_expired` does not: a refresh may help. */
const finalReasons = new Set(['session_ended', 'token_invalid', 'no_token']);

export const isActive = (state: SessionState): state is ActiveState =>
  state.status === 'signed_in' || state.status === 'changed';

const hasNoName = ({ email, fullName }: SessionUser) => email === null && fullName === null;

/** The message about the next epoch, without a lifetime if the BFF did not state one. */
export const toTabMessage = (
  { epoch }: SessionState,
  type: Exclude<TabMessage['type'], 'signed_out'>,
  user: SessionUser | null,
  lifetime: Lifetime | null,
): TabMessage => ({ type, epoch: epoch + 1, expiresIn: null, refreshIn: null, ...lifetime, user });

/** A session of `user`; null: of the same person as before. A sign-in after an unnamed person counts as another person. */
const activate = (state: SessionState, user: SessionUser | null, isSignIn: boolean): ActiveState => {
  const isOther =
    isActive(state) && user !== null && (isSignIn || state.user !== null) && !isSamePerson(state.user, user);
  const isNewPerson = isOther || (state.status === 'signed_out' && user !== null);
  return {
    ...state,
    personSince: isNewPerson ? state.epoch + 1 : state.personSince,
    status: isOther ? 'changed' : 'signed_in',
    user: user ?? state.user,
  };
};

const advance = <State extends SessionState>(state: State, atLeast = 0): State => ({
  ...state,
  epoch: Math.max(state.epoch + 1, atLeast),
});

const withExpiry = <State extends SessionState>(state: State, lifetime: Lifetime | null, nowMs: number): State =>
  lifetime === null ? state : { ...state, expiresAtMs: nowMs + lifetime.expiresIn * 1000 };

const schedule = (lifetime: Lifetime | null, isNew: boolean): SessionEffect[] =>
  lifetime === null ? [] : [{ type: 'schedule', lifetime, isNew }];

const end = (state: SessionState, broadcasts: boolean): Transition => {
  const effects: SessionEffect[] = broadcasts ? [{ type: 'broadcast', message: { type: 'signed_out' } }] : [];
  effects.push({ type: 'abort_refresh' }, { type: 'release_waiters' }, { type: 'unschedule' });
  if (state.status !== 'signed_out') effects.push({ type: 'notify' });
  // A visitor without a session has nothing to lose.
  if (isActive(state)) effects.push({ type: 'call_on_signed_out' });
  return { state: { ...advance(state), status: 'signed_out', user: null, expiresAtMs: null }, effects };
};

/** A new token pair. Waiters continue: the refresh in flight, if any, has been overtaken. */
const renew = (state: ActiveState, lifetime: Lifetime | null, isNew: boolean, nowMs: number): Transition => ({
  state: withExpiry(advance(state), lifetime, nowMs),
  effects: [{ type: 'release_waiters' }, ...schedule(lifetime, isNew), { type: 'notify' }],
});

const onResponse = (
  state: SessionState,
  { sentIn, lifetime, user }: Extract<SessionEvent, { type: 'response' | 'rejection' }>,
  nowMs: number,
): Transition => {
  if (sentIn !== state.epoch || (user === null && lifetime === null)) return { state, effects: [] };
  const effects = schedule(lifetime, false);
  if (isActive(state) && (user === null || isSamePerson(state.user, user))) {
    const next = withExpiry(state, lifetime, nowMs);
    const isKnown =
      user === null || hasNoName(user) || (state.user?.email === user.email && state.user.fullName === user.fullName);
    if (isKnown) return { state: next, effects };
    return { state: { ...next, user }, effects: [...effects, { type: 'notify' }] };
  }
  const next = withExpiry(activate(state, user, false), lifetime, nowMs);
  const isChange = user !== null && (state.status === 'signed_out' || next.status === 'changed');
  if (!isChange) return { state: next, effects: [...effects, { type: 'notify' }] };
  // The refresh in flight continues: its result says whose session it is.
  const message = toTabMessage(state, 'changed', user, lifetime);
  return { state: advance(next), effects: [...effects, { type: 'broadcast', message }, { type: 'notify' }] };
};

const onRejection = (
  state: SessionState,
  event: Extract<SessionEvent, { type: 'rejection' }>,
  nowMs: number,
): Transition => {
  if (finalReasons.has(event.reason)) {
    const isCurrent = event.sentIn === state.epoch && state.status !== 'signed_out';
    // The lifetime of a token that is rejected for good must not revive its session.
    return isCurrent ? end(state, isActive(state)) : { state, effects: [] };
  }
  const next = onResponse(state, event, nowMs);
  // There was a session. If its refresh is rejected, `onSignedOut` must be called.
  const isFound =
    event.reason === 'token_expired' && event.sentIn === next.state.epoch && next.state.status === 'unknown';
  return isFound ? { ...next, state: activate(next.state, null, false) } : next;
};

const onSuperseded = (state: SessionState, nowMs: number): Transition => {
  if (!isActive(state)) return { state: advance(state), effects: [{ type: 'release_waiters' }, { type: 'notify' }] };
  // The lifetime of the newer token is unknown until the next refresh, or the check before it.
  const next = renew(activate(state, null, false), null, true, nowMs);
  return { ...next, effects: [...next.effects, { type: 'cool_down', retryAfterSeconds: undefined }] };
};

const onRefreshResult = (state: SessionState, result: RefreshResult, nowMs: number): Transition => {
  if (result.kind === 'active') {
    return renew(activate(state, result.user, false), result.lifetime, result.isNew, nowMs);
  }
  if (result.kind === 'superseded') return onSuperseded(state, nowMs);
  if (result.kind === 'ended') return end(state, false);
  if (result.kind === 'not_refreshable') return { state, effects: [{ type: 'unschedule' }] };
  const { retryAfterSeconds } = result;
  return { state, effects: isActive(state) ? [{ type: 'cool_down', retryAfterSeconds }] : [] };
};

const onTabMessage = (state: SessionState, message: TabMessage, nowMs: number): Transition => {
  const ignored = { state, effects: [] };
  // A tab that has made no call yet has no session to lose.
  if (message.type === 'signed_out') return state.status === 'unknown' ? ignored : end(state, false);
  const { type, epoch, expiresIn, refreshIn, user } = message;
  const isChange = type === 'changed';
  // A refresh that was in flight during the sign-out does not revive the session.
  if (state.status === 'signed_out' && type === 'refreshed') return ignored;
  // This tab has seen the change in a response of its own.
  if (isChange && isActive(state) && isSamePerson(state.user, user)) return ignored;
  const lifetime = expiresIn === null || refreshIn === null ? null : { expiresIn, refreshIn };
  return {
    state: withExpiry(advance(activate(state, user, type !== 'refreshed'), epoch), lifetime, nowMs),
    effects: [
      ...(type === 'signed_in' ? [{ type: 'abort_refresh' } as const] : []),
      // After a change the refresh in flight continues: it may be of either person, and its result says of whom.
      ...(isChange ? [] : [{ type: 'release_waiters' } as const]),
      ...schedule(lifetime, !isChange),
      { type: 'notify' },
    ],
  };
};

const onTokens = (
  state: SessionState,
  { cause, user, lifetime }: Extract<SessionEvent, { type: 'tokens' }>,
  nowMs: number,
): Transition => {
  const isSignIn = cause === 'signed_in';
  const next = renew(activate(state, user, isSignIn), lifetime, true, nowMs);
  const first: SessionEffect[] = isSignIn ? [{ type: 'abort_refresh' }] : [];
  first.push({ type: 'broadcast', message: toTabMessage(state, cause, user, lifetime) });
  return { ...next, effects: [...first, ...next.effects] };
};

/**
 * The transitions of a session. Pure: `createSessionManager` performs the effects, in their order, after it has stored the
 * state. `nowMs` is a monotonic time in milliseconds.
 */
export const reduceSession = (state: SessionState, event: SessionEvent, nowMs: number): Transition => {
  if (event.type === 'response') return onResponse(state, event, nowMs);
  if (event.type === 'rejection') return onRejection(state, event, nowMs);
  if (event.type === 'tokens') return onTokens(state, event, nowMs);
  if (event.type === 'refresh_result') return onRefreshResult(state, event.result, nowMs);
  if (event.type === 'tab_message') return onTabMessage(state, event.message, nowMs);
  return end(state, true);
};
