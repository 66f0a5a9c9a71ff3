import type { CurrentSession, PersonType, Session, SystemRole } from '@auth-bff/shared';
import { testError } from './test-error.ts';

/** The person of a test. */
export type TestPerson = {
  id: number;
  type: PersonType;
  /** Default null. */
  email?: string | null;
  /** Default null. */
  fullName?: string | null;
};

/** A session of a test: the person, and what they may do. */
export type TestSession = TestPerson & {
  /** Default: the systems of `roles`. */
  systems?: readonly string[];
  /** Default: none. */
  roles?: readonly SystemRole[];
  /** Lifetime of an access token, in seconds. The client refreshes 300 s before its end, at most half of it before. Default 900. */
  lifetimeSeconds?: number;
};

/** `ended`: signed out elsewhere, while the browser still holds its tokens. */
type State = { kind: 'none' } | { kind: 'ended' } | { kind: 'active'; session: Session; lifetimeMs: number };

const defaultLifetimeSeconds = 900;
const refreshThresholdMs = 300_000;

const requireValid = ({ id, type, lifetimeSeconds = defaultLifetimeSeconds }: TestSession): void => {
  if (!Number.isSafeInteger(id) || id <= 0)
    throw new TypeError(`The id of a person must be a positive integer: ${id}.`);
  if (type !== 'staff' && type !== 'employee') {
    throw new TypeError(`The type of a person must be 'staff' or 'employee': ${String(type)}.`);
  }
  if (!(lifetimeSeconds > 0 && lifetimeSeconds < 1e9)) {
    throw new TypeError(`lifetimeSeconds must be a positive number of seconds: ${lifetimeSeconds}.`);
  }
};

/** The session of the one browser that a test BFF has. `now`: milliseconds since the epoch. */
export const createSessionState = (now: () => number, initial: TestSession | null) => {
  let state: State = { kind: 'none' };

  const datesFor = (lifetimeMs: number) => {
    const expiresAtMs = now() + lifetimeMs;
    const refreshAtMs = expiresAtMs - Math.min(refreshThresholdMs, lifetimeMs / 2);
    return { expiresAt: new Date(expiresAtMs), refreshAt: new Date(refreshAtMs) };
  };

  const signIn = (given: TestSession): Session => {
    requireValid(given);
    const { id, type, email = null, fullName = null, roles = [], lifetimeSeconds = defaultLifetimeSeconds } = given;
    const systems = [...new Set(given.systems ?? roles.map(({ system }) => system))];
    const lifetimeMs = lifetimeSeconds * 1000;
    const session = { user: { id, type, email, fullName }, systems, roles: [...roles], ...datesFor(lifetimeMs) };
    state = { kind: 'active', session, lifetimeMs };
    return session;
  };

  const isExpired = ({ expiresAt }: Session): boolean => expiresAt.getTime() <= now();

  /** Null: there is none, or it is not valid now. */
  const current = (): Session | null => (state.kind === 'active' && !isExpired(state.session) ? state.session : null);

  const reset = (): void => {
    if (initial === null) state = { kind: 'none' };
    else signIn(initial);
  };
  reset();

  return {
    current,
    signIn,
    reset,

    /** Continues with a session that a procedure of the test returned. */
    adopt(session: Session): void {
      if (state.kind === 'active' && state.session === session) return;
      state = { kind: 'active', session, lifetimeMs: session.expiresAt.getTime() - now() };
    },

    /** The session of a signed-in caller. Throws the BFF's error if there is none. */
    require(): Session {
      if (state.kind === 'none') throw testError('no_token');
      if (state.kind === 'ended') throw testError('session_ended', { message: 'This session was signed out.' });
      if (isExpired(state.session)) throw testError('token_expired');
      return state.session;
    },

    describe(): CurrentSession {
      const session = current();
      if (session !== null) return { state: 'signed_in', session };
      return { state: state.kind === 'active' ? 'expired' : 'signed_out' };
    },

    refresh(): Session {
      if (state.kind === 'ended') throw testError('session_ended', { message: 'This session was signed out.' });
      if (state.kind === 'none') {
        const message = 'The request presents no refresh token: there is no session to refresh.';
        throw testError('no_token', { message });
      }
      state = { ...state, session: { ...state.session, ...datesFor(state.lifetimeMs) } };
      return state.session;
    },

    /** The browser has no tokens any more. */
    clear(): void {
      state = { kind: 'none' };
    },

    /** The session ends somewhere else. */
    end(): void {
      if (state.kind === 'active') state = { kind: 'ended' };
    },

    expire(): void {
      if (state.kind !== 'active') throw new Error('expire: nobody is signed in. Call signIn first.');
      state = { ...state, session: { ...state.session, expiresAt: new Date(now()), refreshAt: new Date(now()) } };
    },
  };
};

export type SessionState = ReturnType<typeof createSessionState>;
