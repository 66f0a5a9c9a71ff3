import { isPerson, type SessionUser } from './session-snapshot.ts';

/** A result of `session.current` or `session.me`. The times are NaN if they are malformed. */
export type LoadedSession =
  | { state: 'signed_in'; user: SessionUser; expiresAtMs: number; refreshAtMs: number }
  | { state: 'signed_out' };

/** A page that passes the result on without superjson has strings in place of dates. */
const toMs = (date: unknown): number => new Date(date as string).getTime();

const textOrNull = (text: unknown): string | null => (typeof text === 'string' ? text : null);

/** Validates the result, because it was serialized by the frontend. Null if it is malformed, or says `expired`. */
export const toLoadedSession = (loaded: unknown): LoadedSession | null => {
  const { state, session = loaded } = (loaded ?? {}) as { state?: unknown; session?: unknown };
  if (state === 'signed_out') return { state };
  if (state !== undefined && state !== 'signed_in') return null;
  const { user, expiresAt, refreshAt } = (session ?? {}) as Record<string, unknown>;
  if (!isPerson(user) || (user.type !== 'staff' && user.type !== 'employee')) return null;
  const { id, type, email, fullName } = user;
  return {
    state: 'signed_in',
    user: { id, type, email: textOrNull(email), fullName: textOrNull(fullName) },
    expiresAtMs: toMs(expiresAt),
    refreshAtMs: toMs(refreshAt),
  };
};
