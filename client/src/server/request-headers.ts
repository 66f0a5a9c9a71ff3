import { accessCookie, deviceCookie, isEmptyCookie, refreshCookie } from '@auth-bff/shared';
import type { AuthHeaders } from '../transport.ts';
import { type Cookie, parseCookies, toCookieHeader } from './cookie-header.ts';

/**
 * The request of a browser to the server that renders the page: a `Request`, the request of Node or of a framework on it, or an
 * object with the headers, such as Next's `{ headers: await headers() }`.
 */
export type ServerRequest = {
  headers: Pick<Headers, 'get'> | Readonly<Record<string, string | readonly string[] | undefined>>;
};

type RecordOfHeaders = Exclude<ServerRequest['headers'], Pick<Headers, 'get'>>;

const isHeaders = (headers: ServerRequest['headers']): headers is Pick<Headers, 'get'> =>
  typeof headers.get === 'function';

/** Some servers keep the case of the names, and some give a header that came twice as an array. */
const valuesIn = (headers: RecordOfHeaders, name: string): string[] =>
  Object.entries(headers).flatMap(([key, value]) => (key.toLowerCase() === name ? [value ?? []].flat() : []));

const valuesOf = ({ headers }: ServerRequest, name: string): string[] =>
  isHeaders(headers) ? [headers.get(name) ?? []].flat() : valuesIn(headers, name);

/** The cookies of the request. */
export const cookiesOf = (request: ServerRequest): Cookie[] => parseCookies(valuesOf(request, 'cookie').join('; '));

/** The application's other cookies are no business of the BFF, and could exceed its limit for headers. */
const bffCookies: ReadonlySet<string> = new Set([accessCookie, refreshCookie, deviceCookie]);

const isOfBff = ({ name, value }: Cookie): boolean => bffCookies.has(name) && !isEmptyCookie(value);

const isBearer = (authorization: string): boolean => /^Bearer +[\x21-\x7e]+$/i.test(authorization);

/** An address, or the list of a proxy. With other characters it could not be sent. */
const isForwardable = (address: string): boolean => /^[\w.:,%[\]" -]{1,1000}$/.test(address);

export type ForwardedHeadersOptions = {
  request: ServerRequest;
  /** Undefined or null: the BFF sees the address of this server. */
  clientAddress?: string | null | undefined;
};

/** The headers that the BFF gets: the session and the address. Nothing else of the browser's request is sent. */
export const forwardedHeaders = ({ request, clientAddress }: ForwardedHeadersOptions): AuthHeaders => {
  const authorization = valuesOf(request, 'authorization')[0]?.trim() ?? '';
  const address = clientAddress?.trim() ?? '';
  return {
    // Also if it is empty: a client with a cookie header never refreshes.
    cookie: toCookieHeader(cookiesOf(request).filter(isOfBff)),
    ...(isBearer(authorization) ? { authorization } : {}),
    ...(isForwardable(address) ? { 'x-forwarded-for': address } : {}),
  };
};
