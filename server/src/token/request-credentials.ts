import type { IncomingHttpHeaders } from 'node:http';
import { accessCookie, isEmptyCookie, refreshCookie } from '@auth-bff/shared';

/** The non-empty values of a cookie in a `Cookie` header: the Auth Service deletes cookies by emptying them. */
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

const eachOnce = (values: readonly string[]): readonly string[] => (values.length < 2 ? values : [...new Set(values)]);

/** The Bearer token. Null: another scheme, or no header. */
export const bearerOf = (authorization: string | undefined): string | null =>
  /^Bearer +(\S.*)$/i.exec(authorization?.trim() ?? '')?.[1] ?? null;

/**
 * The access tokens of a request, each once: the values of the cookie or, if it is absent or empty, `Authorization: Bearer`.
 * Source: the guide's "Middleware Integration".
 */
export const accessTokensOf = ({
  cookie,
  authorization,
}: Pick<IncomingHttpHeaders, 'cookie' | 'authorization'>): readonly string[] => {
  const values = cookieValues(cookie ?? '', accessCookie);
  if (values.length > 0) return eachOnce(values);
  const bearer = bearerOf(authorization);
  return bearer === null ? [] : [bearer];
};

/** The refresh tokens of a request, each once. */
export const refreshTokensOf = ({ cookie }: IncomingHttpHeaders): readonly string[] =>
  eachOnce(cookieValues(cookie ?? '', refreshCookie));
