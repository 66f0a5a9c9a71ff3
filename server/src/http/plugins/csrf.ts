import { csrfHeader, csrfValue, trpcPath } from '@auth-bff/shared';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { toUrl } from '../../platform/to-url.ts';

export type CsrfOptions = { corsOrigins: readonly string[] };

/** By the route that answers, never by the URL as it was sent: `/%74rpc/…` and `http://host/trpc/…` reach it, too. */
const isTrpc = ({ routeOptions }: FastifyRequest): boolean => routeOptions.url?.startsWith(`${trpcPath}/`) === true;

/** Without the port that the scheme implies, so that `Host: a:443` is the origin `https://a`. */
const hostOf = (origin: string): string | null => toUrl(origin)?.host ?? null;

/** Whether the browser, or its Origin header, says that the request was made by another site or origin. */
export const isFromElsewhere = (request: FastifyRequest): boolean => {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin } = request.headers;
  if (origin === undefined) return false;
  const scheme = toUrl(origin)?.protocol ?? 'http:';
  const originHost = hostOf(origin);
  // request.host is X-Forwarded-Host behind a trusted proxy, and Host otherwise.
  return originHost === null || originHost === '' || originHost !== hostOf(`${scheme}//${request.host}`);
};

const isJson = (contentType: string | undefined) => /^application\/json\s*(;|$)/i.test(contentType?.trim() ?? '');

/**
 * Refuses what another site could make a browser send. A form can send three content types, none of them JSON,
 * and no header of its own; a script elsewhere must pass CORS first.
 * Source: OWASP, Cross-Site Request Forgery Prevention ("Custom Request Headers", "Fetch Metadata").
 */
export const registerCsrf = (server: FastifyInstance, { corsOrigins }: CsrfOptions): void => {
  const allowed = new Set(corsOrigins);
  server.addHook('onRequest', (request, _reply, done) => {
    if (!isTrpc(request) || request.method === 'OPTIONS') return done();
    if (isFromElsewhere(request) && !allowed.has(request.headers.origin ?? '')) {
      throw new AppError('csrf', { message: 'Refused: the request comes from an origin that is not in CORS_ORIGINS.' });
    }
    if (request.method !== 'POST') return done();
    if (!isJson(request.headers['content-type'])) throw new AppError('unsupported_media_type');
    if (request.headers[csrfHeader] !== csrfValue) {
      throw new AppError('csrf', { message: `Refused: a POST must carry the header ${csrfHeader}: ${csrfValue}.` });
    }
    done();
  });
};
