export type CookieOptions = { maxAgeSeconds: number; now: number; httpOnly: boolean };

/** A `Set-Cookie` line as Django writes it. */
export const setCookie = (name: string, value: string, { maxAgeSeconds, now, httpOnly }: CookieOptions): string =>
  [
    `${name}=${value}`,
    `expires=${new Date(now + maxAgeSeconds * 1000).toUTCString()}`,
    ...(httpOnly ? ['HttpOnly'] : []),
    `Max-Age=${maxAgeSeconds}`,
    'Path=/',
    'SameSite=Lax',
  ].join('; ');

/** Django's `delete_cookie`: an empty value, which it quotes, and a date long past. */
export const deleteCookie = (name: string): string =>
  `${name}=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax`;

/** Deletes nothing in the browser: it will send the cookie back, empty. */
export const emptyCookie = (name: string): string => `${name}=""; Path=/; SameSite=Lax`;
