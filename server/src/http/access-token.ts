import type { IncomingHttpHeaders } from 'node:http';
import { accessCookie, isEmptyCookie } from '@auth-bff/shared';
import { AppError } from '../errors.ts';

/** The values of a cookie in a `Cookie` header that are not empty: the Auth Service deletes cookies by emptying them. */
export const cookieValues = (header: string, name: string): string[] => {
  const values: string[] = [];
  for (let from = 0, end = 0; from < header.length; from = end + 1) {
    end = header.indexOf(';', from);
    if (end < 0) end = header.length;
    const at = header.indexOf('=', from);
    if (at < 0 || at > end || header.slice(from, at).trim() !== name) continue;
    const value = header.slice(at + 1, end).trim();
    if (!isEmptyCookie(value)) values.push(value);
  }
  return values;
};

/** The one value of a cookie. Null: absent or empty. Throws `token_invalid` where it came with two. */
export const singleCookie = (header: string, name: string): string | null => {
  const [first = null, ...others] = cookieValues(header, name);
  if (others.some((other) => other !== first)) {
    // Which of them is the person's own, and which one somebody planted for a parent domain, cannot be told.
    throw new AppError('token_invalid', { message: `The cookie ${name} came twice, with different values.` });
  }
  return first;
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
