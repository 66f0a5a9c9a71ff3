import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import express from 'express';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { type AuthResult, createAuthenticator } from '../../../server/middleware/src/authenticator.ts';
import * as forExpress from '../../../server/middleware/src/express.ts';
import * as forFastify from '../../../server/middleware/src/fastify.ts';
import { createRequestAuthenticator } from '../../../server/middleware/src/fetch.ts';
import type { AuthOptions } from '../../../server/middleware/src/options.ts';
import type { Refusal } from '../../../server/middleware/src/refusals.ts';
import { serve } from './serve.ts';

/** Options of the guard for any framework. */
export type GuardOptions = AuthOptions<unknown>;

/** Paths that return the caller (`/who` returns a short form). They are guarded by requireAuth only. */
const openPaths = ['/tickets', '/public', '/public/info', '/public/a/b', '/public-but-not', '/secret'];

/** Paths that return the caller, guarded by requireAuth and requireRole. */
const rolePaths = { '/admin': ['TTS', 'Admin'], '/public/admin': ['tts', 'ADMIN'] } as const;

/** A backend service on Express, like the example of the integration guide. */
export const startExpressService = (options: GuardOptions) => {
  const app = express();
  app.use(forExpress.requireAuth(options));
  const answer: express.RequestHandler = (request, response) => {
    const { user = null, auth, body } = request;
    response.json({ payload: user, auth, body });
  };
  app.get('/who', (request, response) => void response.json(request.auth));
  app.use(express.json());
  for (const path of openPaths) app.all(path, answer);
  for (const [path, [system, role]] of Object.entries(rolePaths)) {
    app.get(path, forExpress.requireRole(system, role), answer);
  }
  return serve(app);
};

/** The same service on Fastify. */
export const startFastifyService = async (options: GuardOptions) => {
  const app = Fastify();
  await app.register(forFastify.requireAuth(options));
  const answer = ({ jwtPayload: payload, auth, body }: FastifyRequest, reply: FastifyReply) =>
    reply.send({ payload, auth, body });
  app.get('/who', ({ auth }, reply) => reply.send(auth));
  for (const path of openPaths) app.all(path, answer);
  for (const [path, [system, role]] of Object.entries(rolePaths)) {
    app.get(path, { preHandler: forFastify.requireRole(system, role) }, answer);
  }
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, [Symbol.asyncDispose]: () => app.close() };
};

/** What the services without a framework answer: the request was admitted or is on a public path. */
const answerAdmitted = async (path: string, request: IncomingMessage, result: Exclude<AuthResult, Refusal>) => {
  const { principal: auth, payload } = result.state === 'public' ? { principal: null, payload: null } : result;
  if (path === '/who') return Response.json(auth);
  if (![...openPaths, ...Object.keys(rolePaths)].includes(path)) return new Response(null, { status: 404 });
  const sent = request.headers['content-type'] === 'application/json' ? await text(request) : '';
  return Response.json({ payload, auth, ...(sent !== '' && { body: JSON.parse(sent) as unknown }) });
};

const roleOf = (path: string): readonly [system: string, role: string] | null =>
  Object.entries(rolePaths).find(([name]) => name === path)?.[1] ?? null;

type Authenticate<Sent> = (path: string, request: Sent) => Promise<AuthResult>;

const serveWithout = <Sent>(toSent: (request: IncomingMessage) => Sent, authenticate: Authenticate<Sent>) =>
  serve((request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const answer = async () => {
      const result = await authenticate(path, toSent(request));
      return result.state === 'refused'
        ? Response.json(result.body, {
            status: result.status,
            headers: { 'content-type': 'application/json; charset=utf-8' },
          })
        : answerAdmitted(path, request, result);
    };
    answer().then(
      async (answered) => {
        const body = await answered.text();
        const headers = { 'content-type': answered.headers.get('content-type') ?? 'text/plain' };
        response.writeHead(answered.status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
      },
      () => response.writeHead(500).end(),
    );
  });

/** The same service on plain node:http, by `createAuthenticator`. */
export const startNodeService = (options: GuardOptions) => {
  const { authenticate, requireRole } = createAuthenticator(options);
  return serveWithout(
    ({ url = '', headers }) => ({ url, headers }),
    async (path, request) => {
      const role = roleOf(path);
      return role === null ? authenticate(request) : requireRole(...role)(request);
    },
  );
};

/** The same service on the Request of fetch, by `createRequestAuthenticator`. */
export const startFetchService = (options: GuardOptions) => {
  const authenticate = createRequestAuthenticator(options);
  return serveWithout(
    ({ url = '', headers }) => {
      const sent = new Request('http://localhost/', { headers: headers as Record<string, string> });
      // As some servers pass it on: not normalised.
      return Object.defineProperty(sent, 'url', { value: `http://localhost${url}` });
    },
    async (path, request) => {
      const role = roleOf(path);
      return role === null ? authenticate(request) : authenticate.requireRole(...role)(request);
    },
  );
};
