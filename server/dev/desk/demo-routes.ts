import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createHostCheck, type HostCheck } from '../host-check.ts';
import type { DemoFile } from './demo-files.ts';
import type { DemoPage } from './demo-page.ts';
import { buildingHtml, failedHtml } from './status-pages.ts';

export type DemoRoutesOptions = {
  page: Pick<DemoPage, 'current'>;
  /** Default: accepts only hosts of this machine. */
  hostCheck?: HostCheck;
  /** URL of the ticket service, with the host name of this request. */
  ticketsUrlFor: (request: FastifyRequest) => string;
  /** Origin of the pictures of people. Default: none. */
  pictureOrigin?: string;
};

/** Paths reserved for the BFF and the development routes. The page is not served there. */
const isReserved = (path: string) => /^(trpc|health|dev)(\/|$)/.test(path);

const wantsHtml = ({ headers }: FastifyRequest) => headers.accept?.includes('text/html') === true;

const acceptsGzip = ({ headers }: FastifyRequest) => /\bgzip\b(?!;q=0)/.test(headers['accept-encoding'] ?? '');

const send = (request: FastifyRequest, reply: FastifyReply, { bytes, gzipped, type, isHashed }: DemoFile) => {
  const isGzipped = acceptsGzip(request);
  if (isGzipped) reply.header('content-encoding', 'gzip');
  return reply
    .type(type)
    .header('vary', 'accept-encoding')
    .header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    .send(isGzipped ? gzipped : bytes);
};

/** Serves the demo page next to the BFF's routes, at `/` and at the paths of its client-side routes. */
export const registerDemoRoutes = async (
  server: FastifyInstance,
  { page, hostCheck = createHostCheck(), ticketsUrlFor, pictureOrigin }: DemoRoutesOptions,
): Promise<void> => {
  // Replaces the Content-Security-Policy of the BFF, which blocks all page content.
  const cspFor = (request: FastifyRequest): string =>
    [
      "default-src 'self'",
      `connect-src 'self' ${ticketsUrlFor(request)}`,
      "style-src 'self'",
      // blob: is the preview of a picture that the person has chosen.
      ["img-src 'self' data: blob:", ...(pictureOrigin === undefined ? [] : [pictureOrigin])].join(' '),
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join('; ');

  await server.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      const rejection = hostCheck.hostRejection(request.raw);
      return rejection === null ? undefined : reply.code(421).type('text/plain; charset=utf-8').send(`${rejection}\n`);
    });

    const answer = (request: FastifyRequest, reply: FastifyReply, path: string) => {
      const isPage = path === '' || (wantsHtml(request) && !isReserved(path));
      const current = page.current();
      if (current.state === 'ready') {
        const file = current.files.get(path) ?? (isPage ? current.files.get('index.html') : undefined);
        if (file === undefined) return reply.callNotFound();
        return send(request, reply.header('content-security-policy', cspFor(request)), file);
      }
      if (!isPage) return reply.callNotFound();
      reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', cspFor(request))
        .header('cache-control', 'no-store');
      if (current.state === 'failed') return reply.code(500).send(failedHtml(current.message));
      return reply.header('refresh', '1').send(buildingHtml);
    };

    // Page files must not use up the rate limit of the BFF.
    const config = { rateLimit: false } as const;
    scope.get('/', { config }, (request, reply) => answer(request, reply, ''));
    scope.get<{ Params: { '*': string } }>('/*', { config }, (request, reply) =>
      answer(request, reply, request.params['*']),
    );
  });
};
