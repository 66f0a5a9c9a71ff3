import { type Principal, requireAuth } from '@auth-bff/middleware/fastify';
import fastifyCors from '@fastify/cors';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { createHostCheck, type HostCheckOptions } from '../host-check.ts';
import { registerForwardAuth } from './forward-auth.ts';
import { NewAssignee, NewTicket, type System } from './ticket.ts';
import { isStaffOf, maySee } from './ticket-rights.ts';
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

const callerOf = ({ auth }: FastifyRequest): Principal => {
  if (auth !== null) return auth;
  throw new Error('The request has no authenticated caller, although this service has no public path.');
};

const refuse = (reply: FastifyReply, status: number, error: string) => reply.code(status).send({ error });
const refuseAssignment = (reply: FastifyReply, system: System) =>
  refuse(reply, 403, `Only staff of ${system} assign its tickets`);

/**
 * The TTS service of the guide's first picture, as its team would write it. It verifies assertions of the BFF with
 * `requireAuth`, decides by their systems and roles who sees which ticket, and knows no secret. Routes: `GET` and `POST
 * /tickets/`, `GET` and `PATCH /tickets/<id>`.
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
    refuse(reply, 404, 'Not found. This service has only GET and POST /tickets/, and GET and PATCH /tickets/<id>'),
  );

  /** The same answer for a ticket that does not exist and for one that the caller may not see. */
  const refuseTicket = (reply: FastifyReply) => refuse(reply, 404, 'No ticket has this id');
  const findVisible = (id: string, caller: Principal) => {
    const found = tickets.find(id);
    return found !== null && maySee(caller, found.ticket) ? found : null;
  };

  server.get('/tickets', (request, reply) => {
    const caller = callerOf(request);
    return reply.send({ tickets: tickets.list().filter((ticket) => maySee(caller, ticket)) });
  });
  server.get<{ Params: { id: string } }>(
    '/tickets/:id',
    async (request, reply) => findVisible(request.params.id, callerOf(request)) ?? refuseTicket(reply),
  );
  server.post('/tickets', async (request, reply) => {
    const caller = callerOf(request);
    const read = NewTicket.safeParse(request.body);
    if (!read.success) return refuse(reply, 400, toErrorText(read.error.issues));
    const { system, assigneeId } = read.data;
    if (assigneeId !== null && !isStaffOf(caller, system)) return refuseAssignment(reply, system);
    const { ticket, isNew } = tickets.open(read.data, { type: caller.type, id: caller.id });
    return reply.code(isNew ? 201 : 200).send(ticket);
  });
  server.patch<{ Params: { id: string } }>('/tickets/:id', async (request, reply) => {
    const caller = callerOf(request);
    const found = findVisible(request.params.id, caller);
    if (found === null) return refuseTicket(reply);
    if (!isStaffOf(caller, found.ticket.system)) return refuseAssignment(reply, found.ticket.system);
    const read = NewAssignee.safeParse(request.body);
    if (!read.success) return refuse(reply, 400, toErrorText(read.error.issues));
    const assigned = tickets.assign(found, read.data.assigneeId, { type: caller.type, id: caller.id });
    return assigned ?? refuse(reply, 409, 'The history of this ticket is full');
  });
  return server;
};
