import { accessCookie, accountPicturePath, csrfHeader, csrfValue, restPath, trpcPath } from '@auth-bff/shared';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { toUrl } from '../../platform/to-url.ts';
import { routePatternOf } from '../route-pattern.ts';
import { cookieValues } from '../../token/request-credentials.ts';

export type CsrfOptions = { corsOrigins: readonly string[] };

/** By the matched route, not the raw URL: `/%74rpc/…` and `http://host/trpc/…` match it, too. */
const isTrpc = (request: FastifyRequest): boolean => routePatternOf(request).startsWith(`${trpcPath}/`);

const isRest = (request: FastifyRequest): boolean => routePatternOf(request).startsWith(`${restPath}/`);

/** Its body is an image, so nothing but the header tells its requests from those of a form. */
const isPicture = (request: FastifyRequest): boolean => routePatternOf(request) === accountPicturePath;
const pictureChanges = new Set(['PUT', 'DELETE']);

/** Whether the session comes as a cookie, which a browser adds to requests of any page. A cookie takes precedence over Bearer. */
const hasSessionCookie = ({ headers }: FastifyRequest): boolean =>
  cookieValues(headers.cookie ?? '', accessCookie).length > 0;

/** Without the default port of the scheme, so that `Host: a:443` equals the origin `https://a`. */
const hostOf = (origin: string): string | null => toUrl(origin)?.host ?? null;

/** Whether the browser made the request for another site or origin, by Sec-Fetch-Site or else Origin. */
export const isCrossSite = (request: FastifyRequest): boolean => {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin } = request.headers;
  if (origin === undefined) return false;
  const scheme = toUrl(origin)?.protocol ?? 'http:';
  const originHost = hostOf(origin);
  // Fastify sets request.host to X-Forwarded-Host behind a trusted proxy, and to Host otherwise.
  return originHost === null || originHost === '' || originHost !== hostOf(`${scheme}//${request.host}`);
};

/**
 * Names the origin and the host: behind a proxy that replaces `Host`, the BFF's own page looks like another site. Contains
 * only parsed parts, because the headers may contain anything.
 */
const toRejectionMessage = ({ headers, host }: FastifyRequest): string => {
  if (headers.origin === undefined) return 'Refused: the request comes from a page of another site.';
  const url = toUrl(headers.origin);
  const origin = url === null ? 'null' : `${url.protocol}//${url.host}`;
  const rejection = `Refused: the origin ${origin} of the page is not in CORS_ORIGINS`;
  // With Sec-Fetch-Site, the browser itself says that the page is of another origin.
  if (headers['sec-fetch-site'] !== undefined) return `${rejection}.`;
  const ownHost = hostOf(`${url?.protocol ?? 'http:'}//${host}`) ?? 'unknown';
  return `${rejection}, and is not the host ${ownHost} of the request. If a proxy forwards the requests of the page, let it keep the Host header (Vite: changeOrigin: false) or, with TRUST_PROXY, send X-Forwarded-Host.`;
};

const isJson = (contentType: string | undefined) => /^application\/json\s*(;|$)/i.test(contentType?.trim() ?? '');

/**
 * Rejects requests that another site could make a browser send. A form cannot send JSON or a custom header, and a script
 * of another origin must pass CORS first. No page can make a browser send a Bearer token or an API key, so REST requests
 * without a session cookie need neither check. The picture always needs both.
 * Source: OWASP, Cross-Site Request Forgery Prevention ("Custom Request Headers", "Fetch Metadata").
 */
export const registerCsrf = (server: FastifyInstance, { corsOrigins }: CsrfOptions): void => {
  const allowed = new Set(corsOrigins);
  server.addHook('onRequest', (request, _reply, done) => {
    const mayBeForged = isTrpc(request) || isPicture(request) || (isRest(request) && hasSessionCookie(request));
    if (!mayBeForged || request.method === 'OPTIONS') return done();
    if (isCrossSite(request) && !allowed.has(request.headers.origin ?? '')) {
      throw new AppError('csrf', { message: toRejectionMessage(request) });
    }
    const isChange = isPicture(request) ? pictureChanges.has(request.method) : request.method === 'POST';
    if (!isChange) return done();
    const contentType = request.headers['content-type'];
    // A POST without a body needs no type over REST. Of a body without one, the parser of the route says 415.
    const needsNoType = isPicture(request) || (contentType === undefined && isRest(request));
    if (!needsNoType && !isJson(contentType)) throw new AppError('unsupported_media_type');
    if (request.headers[csrfHeader] !== csrfValue) {
      const { method } = request;
      throw new AppError('csrf', {
        message: `Refused: a ${method} must carry the header ${csrfHeader}: ${csrfValue}.`,
      });
    }
    done();
  });
};
