import { accessCookie, csrfHeader, csrfValue } from '@auth-bff/shared';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isCrossSite } from '../../src/http/plugins/csrf.ts';
import type { EmbeddedAuthService } from '../auth-service/auth-service.ts';
import { parseFault } from '../auth-service/parse-fault.ts';
import { createHostCheck, type HostCheck } from '../host-check.ts';
import { signInPeopleOf } from '../auth-service/people/people.ts';
import { createRequestCounts } from './request-counts.ts';

export type DevRoutesOptions = {
  authService: EmbeddedAuthService;
  /** Default: accepts only hosts of this machine. */
  hostCheck?: HostCheck;
  cookieDomain: string | null;
  /** Whether the BFF serves its API reference. */
  hasApiDocs: boolean;
  /** URL of the ticket service, with the host name of this request. */
  ticketsUrlFor: (request: FastifyRequest) => string;
};

const resetLink = /https?:\/\/\S+[?&]token=[\w-]+/;

const rejectionOf = (request: FastifyRequest, hostCheck: HostCheck): string | null => {
  const hostRejection = hostCheck.hostRejection(request.raw);
  if (hostRejection !== null) return hostRejection;
  if (isCrossSite(request)) return 'Refused: only a page of the same origin may send this request.';
  if (request.method === 'GET' || request.method === 'HEAD' || request.headers[csrfHeader] === csrfValue) return null;
  return `Refused: requests that change state need the header ${csrfHeader}: ${csrfValue}.`;
};

/** JSON routes under `/dev` for the demo page: settings of the development servers, request counts and fault injection. */
export const registerDevRoutes = async (server: FastifyInstance, options: DevRoutesOptions): Promise<void> => {
  const { authService, hostCheck = createHostCheck(), cookieDomain, hasApiDocs, ticketsUrlFor } = options;
  const counts = createRequestCounts({ server: server.server, authService });

  await server.register(
    async (scope) => {
      // The page polls several times a second, which must not use up the rate limit of the BFF.
      const unlimited = { config: { rateLimit: false } } as const;
      scope.addHook('onRequest', async (request, reply) => {
        reply.header('cache-control', 'no-store');
        const rejection = rejectionOf(request, hostCheck);
        return rejection === null ? undefined : reply.code(403).send({ error: rejection });
      });
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'string' }, async (_request: FastifyRequest, body: string) => body);

      scope.get('/config', unlimited, (request, reply) =>
        reply.send({
          ticketsUrl: ticketsUrlFor(request),
          people: signInPeopleOf(authService.dialect),
          accessLifetimeSeconds: authService.accessLifetimeSeconds,
          dialect: authService.dialect,
          hasApiDocs,
        }),
      );

      scope.get('/counts', unlimited, async () => counts.current());
      scope.post('/counts/reset', unlimited, async () => {
        counts.reset();
        return counts.current();
      });

      scope.get<{ Querystring: { email?: string | string[] } }>(
        '/last-code',
        unlimited,
        async ({ query: { email } }) => ({
          code: typeof email === 'string' ? authService.lastCode(email) : null,
        }),
      );

      // Only the link: the page shows it in place of a mail program.
      scope.get<{ Querystring: { email?: string | string[] } }>(
        '/last-reset-link',
        unlimited,
        async ({ query: { email } }) => {
          const mail = authService.mails.findLast(({ to, text }) => to === email && resetLink.test(text));
          return { link: mail === undefined ? null : (resetLink.exec(mail.text)?.[0] ?? null) };
        },
      );

      scope.get('/fault', unlimited, async (_request, reply) =>
        reply.type('application/json').send(JSON.stringify(authService.faultOf('*'))),
      );
      scope.put<{ Body: unknown }>('/fault', unlimited, async ({ body }, reply) => {
        const read = parseFault(typeof body === 'string' ? body : '');
        if (!read.ok) return reply.code(400).send({ error: read.error });
        authService.fault('*', read.fault);
        return read.fault;
      });
      scope.delete('/fault', unlimited, async () => {
        authService.clearFaults();
        return {};
      });

      scope.post('/expire', unlimited, async (_request, reply) => {
        const domain = cookieDomain === null ? '' : `; Domain=${cookieDomain}`;
        reply.header('set-cookie', `${accessCookie}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${domain}`);
        return {};
      });
    },
    { prefix: '/dev' },
  );
};
