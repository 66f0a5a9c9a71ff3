import { isEmptyCookie, maxCookieBytes } from '@auth-bff/shared';
import { parseCookie } from 'undici';
import type { UpstreamResponse } from './transport.ts';

/** Tokens that the Auth Service has just issued. */
export type TokenSet = { accessToken: string; refreshToken: string | null };

/** Value of a cookie that the response sets. Null if the response does not set it, or deletes it by value or age. */
export const cookieOf = (response: UpstreamResponse, name: string): string | null => {
  // undici drops oversized cookies, as browsers do. They are returned here, so that the caller can report them.
  const [pair = ''] = response.setCookies.findLast((line) => line.startsWith(`${name}=`))?.split(';', 1) ?? [];
  if (pair.length - 1 > maxCookieBytes) return pair.slice(name.length + 1);
  const cookie = response.setCookies.map((line) => parseCookie(line)).findLast((set) => set?.name === name) ?? null;
  const isDeleted = cookie === null || isEmptyCookie(cookie.value) || (cookie.maxAge ?? 1) <= 0;
  return isDeleted ? null : cookie.value;
};
