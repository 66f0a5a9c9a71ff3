import type { Session } from '@auth-bff/shared';

export type SessionUser = Session['user'];

/** Whether an answer names a person: somebody else's router may mean anything by our procedures' names. */
export const isPerson = (user: unknown): user is SessionUser =>
  typeof (user as Partial<SessionUser> | null | undefined)?.id === 'number';

/** Staff and employees are different people even where their numbers are equal. */
export const isSamePerson = (a: SessionUser | null, b: SessionUser | null): boolean =>
  a !== null && b !== null && a.id === b.id && a.type === b.type;

/**
 * What is known of the session.
 * - `unknown`: nothing was asked yet.
 * - `changed`: another person is signed in than before, and what was loaded for the previous person is not theirs. The
 *   next sign-in or refresh makes it `signed_in` again.
 *
 * `user` is null until an answer says whose session it is. Every answer says type and id; `email` and `fullName` stay
 * null until a sign-in, a refresh, `session.current` or `session.me` tells them.
 */
export type SessionSnapshot = {
  state: 'unknown' | 'signed_in' | 'changed' | 'signed_out';
  user: SessionUser | null;
  /** Whole seconds that the access token still lives; null where that is not known. */
  expiresIn: number | null;
};

export type SessionListener = (snapshot: SessionSnapshot) => void;
