import type { IncomingHttpHeaders } from 'node:http';
import { accessCookie, isEmptyCookie } from '@auth-bff/shared';
import { AppError } from '../errors.ts';

/** The values of a cookie in a `Cookie` header that are not empty: the Auth Service deletes cookies by emptying them. */
export const cookieValues = (header: string, name: string): string[] =>
  header.split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).trim() !== name) return [];
    const value = pair.slice(at + 1).trim();
    return isEmptyCookie(value) ? [] : [value];
  });

/** The one value of a cookie. Null: absent or empty. Throws `token_invalid` where it came with two. */
export const singleCookie = (header: string, name: string): string | null => {
  const values = new Set(cookieValues(header, name));
  if (values.size > 1) {
    // Which of them is the person's own, and which one somebody planted for a parent domain, cannot be told.
    throw new AppError('token_invalid', { message: `The cookie ${name} came twice, with different values.` });
  }
  return values.values().next().value ?? null;
};

/** What stands behind `Bearer`. Null: another scheme, or nothing. */
export const bearerOf = (authorization: string | undefined): string | null =>
  /^Bearer +(\S.*)$/i.exec(authorization?.trim() ?? '')?.[1] ?? null;

/**
 * The access token of a request: the cookie, and `Authorization: Bearer` only where that is absent or empty. Null: none.
 * Throws `token_invalid` where the cookie came twice, with different values. Source: the guide's "Middleware Integration".
 */
export const accessTokenOf = ({ cookie, authorization }: IncomingHttpHeaders): string | null =>
  singleCookie(cookie ?? '', accessCookie) ?? bearerOf(authorization);
