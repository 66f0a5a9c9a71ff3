import { isEmptyCookie } from '@auth-bff/shared';

/** A cookie of a `Cookie` header. */
export type Cookie = { name: string; value: string };

const toCookie = (pair: string): Cookie => {
  const at = pair.indexOf('=');
  return { name: pair.slice(0, Math.max(0, at)).trim(), value: pair.slice(at + 1).trim() };
};

/** Characters that no header may contain: `Headers` would throw, with the value in its message. */
const unsendable = /[^\t\x20-\x7e\x80-\xff]/;

/** The cookies of a `Cookie` header, in its order and with duplicates. Cookies that could not be sent on are left out. */
export const parseCookies = (header: string): Cookie[] =>
  header
    .split(';')
    .filter((pair) => pair.trim() !== '' && !unsendable.test(pair))
    .map(toCookie);

export const toCookieHeader = (cookies: readonly Cookie[]): string =>
  cookies.map(({ name, value }) => (name === '' ? value : `${name}=${value}`)).join('; ');

type SetCookie = Cookie & { isDeletion: boolean; isOfPage: boolean };

const toSetCookie = (line: string): SetCookie => {
  const [pair = '', ...rest] = line.split(';');
  const attributes = new Map(rest.map(toCookie).map(({ name, value }) => [name.toLowerCase(), value]));
  const { name, value } = toCookie(pair);
  const maxAge = attributes.get('max-age');
  const isPast = Date.parse(attributes.get('expires') ?? '') < Date.now();
  const path = attributes.get('path') ?? '/';
  return {
    name,
    value,
    isDeletion: isEmptyCookie(value) || (maxAge === undefined ? isPast : Number(maxAge) <= 0),
    isOfPage: path === '/',
  };
};

/**
 * The cookies after a browser has processed the `Set-Cookie` lines. A new value replaces all duplicates of its name. A
 * deletion beside a new value removes another variant of the cookie (host-only, or of a parent domain), and a deletion for
 * a path below `/` removes a cookie that the browser does not send to the page: neither counts.
 */
export const withSetCookies = (cookies: readonly Cookie[], setCookies: readonly string[]): Cookie[] => {
  const changes = new Map<string, string | null>();
  for (const { name, value, isDeletion, isOfPage } of setCookies.map(toSetCookie)) {
    if (!isDeletion) changes.set(name, value);
    else if (isOfPage && !changes.has(name)) changes.set(name, null);
  }
  const kept = cookies.filter(({ name }) => !changes.has(name));
  return [...kept, ...[...changes].flatMap(([name, value]) => (value === null ? [] : [{ name, value }]))];
};
