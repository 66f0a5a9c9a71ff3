import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createHostCheck, type HostCheck } from '../host-check.ts';
import type { DemoFile } from './demo-files.ts';
import type { DemoPage } from './demo-page.ts';
import { buildingHtml, failedHtml } from './status-pages.ts';

export type DemoRoutesOptions = {
  page: Pick<DemoPage, 'current'>;
  /** Default: only hosts of this machine. */
  hostCheck?: HostCheck;
  /** Where the ticket service is, for whoever sent this request. */
  ticketsUrlFor: (request: FastifyRequest) => string;
};

/** What the service itself answers, or would: no page of the demo is there. */
const isTaken = (path: string) => /^(trpc|health|dev)(\/|$)/.test(path);

const wantsHtml = ({ headers }: FastifyRequest) => headers.accept?.includes('text/html') === true;

const takesGzip = ({ headers }: FastifyRequest) => /\bgzip\b(?!;q=0)/.test(headers['accept-encoding'] ?? '');

const send = (request: FastifyRequest, reply: FastifyReply, { bytes, gzipped, type, isHashed }: DemoFile) => {
  const isGzipped = takesGzip(request);
  if (isGzipped) reply.header('content-encoding', 'gzip');
  return reply
    .type(type)
    .header('vary', 'accept-encoding')
    .header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    .send(isGzipped ? gzipped : bytes);
};

/** Serves the demo page beside the BFF's own routes, at `/` and at all paths of its own that a browser goes to. */
export const registerDemoRoutes = async (
  server: FastifyInstance,
  { page, hostCheck = createHostCheck(), ticketsUrlFor }: DemoRoutesOptions,
): Promise<void> => {
  // In place of the BFF's own, by which nothing could be shown.
  const cspFor = (request: FastifyRequest): string =>
    [
      "default-src 'self'",
      `connect-src 'self' ${ticketsUrlFor(request)}`,
      "style-src 'self'",
      "img-src 'self' data:",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join('; ');

  await server.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      const refusal = hostCheck.hostRejection(request.raw);
      return refusal === null ? undefined : reply.code(421).type('text/plain; charset=utf-8').send(`${refusal}\n`);
    });

    const answer = (request: FastifyRequest, reply: FastifyReply, path: string) => {
      const isPage = path === '' || (wantsHtml(request) && !isTaken(path));
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

    // Loading a page is no abuse of the service that it is a page of.
    const config = { rateLimit: false } as const;
    scope.get('/', { config }, (request, reply) => answer(request, reply, ''));
    scope.get<{ Params: { '*': string } }>('/*', { config }, (request, reply) =>
      answer(request, reply, request.params['*']),
    );
  });
};
