import type { IncomingHttpHeaders } from 'node:http';
import { accessTokensOf, bearerOf } from '../../src/token/request-credentials.ts';

/** The headers of a Node request (names in lower case), or of a fetch Request. */
export type RequestHeaders = IncomingHttpHeaders | Headers;

const assertionHeader = 'x-auth-assertion';

const isHeaders = (headers: RequestHeaders): headers is Headers => typeof headers.get === 'function';

const headerOf = (headers: RequestHeaders, name: string): string | undefined => {
  if (isHeaders(headers)) return headers.get(name) ?? undefined;
  const value = headers[name];
  // Several values are no token, joined or not.
  return Array.isArray(value) ? value.join(', ') : value;
};

/** The access tokens of a request: the values of the cookie or, without it, the Bearer token. */
export const sessionTokensOf = (headers: RequestHeaders): readonly string[] =>
  accessTokensOf({ cookie: headerOf(headers, 'cookie'), authorization: headerOf(headers, 'authorization') });

/** The assertion of a request: of its own header or, if that is absent or empty, the Bearer token. Null: none. */
export const assertionOf = (headers: RequestHeaders): string | null => {
  const value = headerOf(headers, assertionHeader)?.trim() ?? '';
  return value === '' ? bearerOf(headerOf(headers, 'authorization')) : value;
};
