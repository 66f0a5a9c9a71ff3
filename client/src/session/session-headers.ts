import { sessionExpiresInHeader, sessionRefreshInHeader, sessionUserHeader } from '@auth-bff/shared';
import type { SessionUser } from './session-snapshot.ts';

/** The method of a response's headers that the client uses. */
export type ResponseHeaders = Pick<Headers, 'get'>;

/** Whole seconds until the access token expires, and until the BFF wants it refreshed. */
export type Lifetime = { expiresIn: number; refreshIn: number };

/** From `x-session-expires-in` and `x-session-refresh-in`. Null if one is missing or malformed. */
export const lifetimeOf = (headers: ResponseHeaders): Lifetime | null => {
  const [expiresIn, refreshIn] = [sessionExpiresInHeader, sessionRefreshInHeader].map((name) => {
    const text = headers.get(name) ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : null;
  });
  return typeof expiresIn === 'number' && typeof refreshIn === 'number' ? { expiresIn, refreshIn } : null;
};

/** From `x-session-user`, which has the type and the id only. Null if it is missing or malformed. */
export const personOf = (headers: ResponseHeaders): SessionUser | null => {
  const [, type, id] = /^(staff|employee):(\d{1,16})$/.exec(headers.get(sessionUserHeader) ?? '') ?? [];
  return id === undefined ? null : { id: Number(id), type: type as SessionUser['type'], email: null, fullName: null };
};
