import express from 'express';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import * as forExpress from '../../../server/middleware/src/express.ts';
import * as forFastify from '../../../server/middleware/src/fastify.ts';
import type { AuthOptions } from '../../../server/middleware/src/options.ts';
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
