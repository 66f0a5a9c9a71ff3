import { isEmptyCookie, maxCookieBytes } from '@auth-bff/shared';
import { getSetCookies, Headers } from 'undici';
import type { Answer } from './transport.ts';

/** Tokens as the Auth Service has just handed them out. */
export type TokenSet = { accessToken: string; refreshToken: string | null };

/** The value of a cookie that the answer sets. Null where it sets none, or deletes it: by an empty value, or by its age. */
export const cookieOf = (answer: Answer, name: string): string | null => {
  // undici drops a cookie that is too large, as browsers do; it is for the caller to say so.
  const [pair = ''] = answer.setCookies.findLast((line) => line.startsWith(`${name}=`))?.split(';', 1) ?? [];
  if (pair.length - 1 > maxCookieBytes) return pair.slice(name.length + 1);
  const headers = new Headers(answer.setCookies.map((cookie): [string, string] => ['set-cookie', cookie]));
  const cookie = getSetCookies(headers).findLast((set) => set?.name === name);
  const isDeleted = cookie === undefined || isEmptyCookie(cookie.value) || (cookie.maxAge ?? 1) <= 0;
  return isDeleted ? null : cookie.value;
};
