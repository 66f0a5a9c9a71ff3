import { describe, expect, it } from 'vitest';
import { parseCookies, toCookieHeader, withSetCookies } from '../../../client/src/server/cookie-header.ts';

const after = (cookie: string, ...setCookies: string[]) =>
  toCookieHeader(withSetCookies(parseCookies(cookie), setCookies));

describe('the Cookie header after Set-Cookie', () => {
  it.each<[name: string, cookie: string, setCookies: string[], expected: string]>([
    ['adds a new cookie', 'a=1', ['b=2; Path=/'], 'a=1; b=2'],
    ['replaces a value', 'a=1; b=2', ['a=3; Path=/; HttpOnly'], 'b=2; a=3'],
    ['replaces all duplicates', 'a=1; a=2', ['a=3'], 'a=3'],
    ['removes an emptied cookie', 'a=1; b=2', ['a=; Path=/'], 'b=2'],
    ['removes a cookie that Django deletes', 'a=1', ['a=""; Max-Age=0; Path=/'], ''],
    ['removes a cookie with Max-Age=0', 'a=1', ['a=x; Max-Age=0'], ''],
    ['removes a cookie that expired', 'a=1', ['a=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT'], ''],
    ['prefers Max-Age to Expires', 'a=1', ['a=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60'], 'a=x'],
    ['keeps a value beside the deletion of another variant', 'a=1', ['a=; Domain=x.org; Path=/', 'a=2; Path=/'], 'a=2'],
    ['keeps a value before the deletion of another variant', 'a=1', ['a=2; Path=/', 'a=; Path=/; Domain=x.org'], 'a=2'],
    ['ignores a deletion below the root', 'a=1', ['a=; Path=/trpc'], 'a=1'],
    ['keeps equals signs in a value', 'a=1', ['a=b=c==; Path=/'], 'a=b=c=='],
    ['keeps names of Object apart', 'a=1', ['__proto__=x', 'constructor=y'], 'a=1; __proto__=x; constructor=y'],
  ])('%s', (_name, cookie, setCookies, expected) => {
    expect(after(cookie, ...setCookies)).toBe(expected);
  });
});
