import { sessionExpiresInHeader, sessionRefreshInHeader, sessionUserHeader } from '@auth-bff/shared';
import type { SessionUser } from './session-snapshot.ts';

/** The part of a response's headers that is used. */
export type AnswerHeaders = Pick<Headers, 'get'>;

/** How long the session lives, in whole seconds. */
export type Lifetime = { expiresIn: number; refreshIn: number };

/** Null where the headers do not say. */
export const lifetimeOf = (headers: AnswerHeaders): Lifetime | null => {
  const [expiresIn, refreshIn] = [sessionExpiresInHeader, sessionRefreshInHeader].map((name) => {
    const text = headers.get(name) ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : null;
  });
  return typeof expiresIn === 'number' && typeof refreshIn === 'number' ? { expiresIn, refreshIn } : null;
};

/** Whose session the answer is of, by type and id alone. Null where the headers do not say. */
export const personOf = (headers: AnswerHeaders): SessionUser | null => {
  const [, type, id] = /^(staff|employee):(\d{1,16})$/.exec(headers.get(sessionUserHeader) ?? '') ?? [];
  return id === undefined ? null : { id: Number(id), type: type as SessionUser['type'], email: null, fullName: null };
};
