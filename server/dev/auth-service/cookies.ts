import { randomUUID } from 'node:crypto';

export type CookieOptions = {
  maxAgeSeconds: number;
  now: number;
  httpOnly: boolean;
  /** Default false. */
  secure?: boolean;
  /** Default `Lax`. */
  sameSite?: 'Lax' | 'Strict';
};

/** A `Set-Cookie` header in the format of Django. */
export const setCookie = (name: string, value: string, options: CookieOptions): string => {
  const { maxAgeSeconds, now, httpOnly, secure = false, sameSite = 'Lax' } = options;
  return [
    `${name}=${value}`,
    `expires=${new Date(now + maxAgeSeconds * 1000).toUTCString()}`,
    ...(httpOnly ? ['HttpOnly'] : []),
    `Max-Age=${maxAgeSeconds}`,
    'Path=/',
    `SameSite=${sameSite}`,
    ...(secure ? ['Secure'] : []),
  ].join('; ');
};

/** Django's `delete_cookie`: a quoted empty value and an expiry date in 1970. */
export const deleteCookie = (name: string): string =>
  `${name}=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax`;

/** The browser keeps this cookie and sends it with an empty value, because it has no expiry date. */
export const emptyCookie = (name: string): string => `${name}=""; Path=/; SameSite=Lax`;

const SESSION_SECONDS = 14 * 24 * 60 * 60;
const CSRF_SECONDS = 52 * 7 * 24 * 60 * 60;

/** 32 hexadecimal digits, like Django's identifiers. */
const randomKey = (): string => randomUUID().replaceAll('-', '');

/** The cookie of a new Django session. */
export const sessionIdCookie = (now: number): string =>
  setCookie('sessionid', randomKey(), { now, maxAgeSeconds: SESSION_SECONDS, httpOnly: true });

const csrfCookie = (now: number): string =>
  setCookie('csrftoken', randomKey(), { now, maxAgeSeconds: CSRF_SECONDS, httpOnly: false });

/** The session and CSRF cookies that Django sets at sign-in. The BFF must not pass them on. */
export const djangoCookies = (now: number): string[] => [sessionIdCookie(now), csrfCookie(now)];
