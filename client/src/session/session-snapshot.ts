import type { Session } from '@auth-bff/shared';

export type SessionUser = Session['user'];

/** Validates a response: a frontend's own router may use the names of our procedures for something else. */
export const isPerson = (user: unknown): user is SessionUser =>
  typeof (user as Partial<SessionUser> | null | undefined)?.id === 'number';

/** Compares type and id: a staff member and an employee may have the same id. */
export const isSamePerson = (a: SessionUser | null, b: SessionUser | null): boolean =>
  a !== null && b !== null && a.id === b.id && a.type === b.type;

/**
 * The session as this client knows it.
 * - `unknown`: no response has arrived yet.
 * - `changed`: another person has signed in, and data of the previous person is stale. The next sign-in or refresh of that
 *   person sets `signed_in`.
 *
 * `user` is null until a response identifies the person. Every response has the type and the id (`x-session-user`). `email`
 * and `fullName` are null until a sign-in, a refresh, `session.current` or `session.me` returns them.
 */
export type SessionSnapshot = {
  state: 'unknown' | 'signed_in' | 'changed' | 'signed_out';
  user: SessionUser | null;
  /** Whole seconds until the access token expires. Null if unknown. */
  expiresIn: number | null;
};

export type SessionListener = (snapshot: SessionSnapshot) => void;
