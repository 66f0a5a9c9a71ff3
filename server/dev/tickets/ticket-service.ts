import { requireAuth } from '@auth-bff/middleware/fastify';
import fastifyCors from '@fastify/cors';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { createHostCheck, type HostCheckOptions } from '../host-check.ts';
import { registerForwardAuth } from './forward-auth.ts';
import { AssignedTicket, NewTicket } from './ticket.ts';
import { createTicketStore, type TicketStoreOptions } from './ticket-store.ts';

export type TicketServiceOptions = TicketStoreOptions &
  HostCheckOptions & {
    /** The BFF's base URL. Its public keys are all that the service knows of it. */
    bffUrl: string;
    /** The issuer of assertions. Default `auth-bff`. */
    issuer?: string;
    /** Origins whose pages may call with credentials: those of the BFF. */
    origins: readonly string[];
  };

/** The errors in a body by field, without the values that were sent. */
const toErrorText = (issues: ReadonlyArray<{ path: readonly PropertyKey[]; message: string }>): string =>
  issues.map(({ path, message }) => [...path.map(String), message].join(': ')).join('; ');

/** The name of the service in assertions. */
const audience = 'tickets';

/**
 * The TTS service of the guide's first picture, as its team would write it. It verifies assertions of the BFF with
 * `requireAuth` and knows no secret. Routes: `GET`, `POST` and `PATCH /tickets/`.
 */
export const createTicketService = async (options: TicketServiceOptions): Promise<FastifyInstance> => {
  const { bffUrl, issuer = 'auth-bff', origins, allowedHosts = [], seed, now } = options;
  const hostCheck = createHostCheck({ allowedHosts });
  const tickets = createTicketStore({ seed, now });
  const server = Fastify({
    logger: false,
    bodyLimit: 10_000,
    // The host check answers requests without a Host header, so Node.js must not reject them first.
    http: { requireHostHeader: false },
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true },
  });
  // A form of another site cannot send JSON, and a script needs a CORS preflight for it. So only JSON is accepted.
  server.removeContentTypeParser('text/plain');
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    const rejection = hostCheck.hostRejection(request.raw);
    return rejection === null ? undefined : reply.code(421).type('text/plain; charset=utf-8').send(`${rejection}\n`);
  });
  await server.register(fastifyCors, {
    origin: async (origin: string | undefined) => origin !== undefined && origins.includes(origin),
    credentials: true,
    methods: ['GET', 'POST', 'PATCH'],
    maxAge: 600,
    strictPreflight: false,
  });
  registerForwardAuth(server, { bffUrl, audience });
  await server.register(requireAuth({ jwks: new URL('/bff/jwks.json', bffUrl), issuer, audience, now }));

  server.setErrorHandler<FastifyError>(async ({ statusCode = 500, message }, _request, reply) =>
    reply.code(statusCode).send({ error: statusCode < 500 ? message : 'Internal server error' }),
  );
  server.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).send({ error: 'Not found. This service has only GET, POST and PATCH /tickets/' }),
  );

  server.get('/tickets', async () => ({ tickets: tickets.list() }));
  server.post('/tickets', async ({ body, auth }, reply) => {
    const read = NewTicket.safeParse(body);
    if (!read.success) return reply.code(400).send({ error: toErrorText(read.error.issues) });
    if (auth === null)
      throw new Error('The request has no authenticated caller, although this service has no public path.');
    const { ticket, isNew } = tickets.open(read.data, { requesterId: auth.id, requesterType: auth.type });
    return reply.code(isNew ? 201 : 200).send(ticket);
  });
  server.patch('/tickets', async ({ body }, reply) => {
    const read = AssignedTicket.safeParse(body);
    if (!read.success) return reply.code(400).send({ error: toErrorText(read.error.issues) });
    return tickets.assign(read.data) ?? reply.code(404).send({ error: 'No ticket was opened with this key' });
  });
  return server;
};
