import type { Session } from '@auth-bff/shared';

export type SessionUser = Session['user'];

/** Whether an answer names a person: somebody else's router may mean anything by our procedures' names. */
export const isPerson = (user: unknown): user is SessionUser =>
  typeof (user as Partial<SessionUser> | null | undefined)?.id === 'number';

/**
 * What is known of the session. `unknown`: nothing was asked yet. `changed`: somebody else is signed in than
 * before, and what was loaded for the other person is not theirs; with the next change it is `signed_in` again.
 * `user` is null until an answer has named them.
 */
export type SessionSnapshot = {
  state: 'unknown' | 'signed_in' | 'changed' | 'signed_out';
  user: SessionUser | null;
  /** Whole seconds that the access token still lives; null where that is not known. */
  expiresIn: number | null;
};

export type SessionListener = (snapshot: SessionSnapshot) => void;
