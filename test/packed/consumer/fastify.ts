// Uses the package like a service on Fastify. Compiled in a separate folder with only the installed package.
import { createServer } from 'node:http';
import { createVerifier } from '@auth-bff/server';
import { type JwtPayload, type Principal, requireAuth, requireRole } from '@auth-bff/server/fastify';
// The types of the Express guard do not need Express.
import { requireAuth as requireAuthOnNode } from '@auth-bff/server/express';
import Fastify from 'fastify';

type IsAny<A> = 0 extends 1 & A ? true : false;
const options = { signingKeys: ['a'.repeat(32)], publicPrefixes: ['/public/'] };

export const app = Fastify();
await app.register(requireAuth(options));
app.addHook('onRequest', requireAuth(options));
app.get('/tickets', { preHandler: requireRole('TTS', 'Agent') }, (request, reply) => {
  const payload: JwtPayload | null = request.jwtPayload;
  const principal: Principal | null = request.auth;
  const id: number | null = request.userId;
  const type: 'staff' | 'employee' | null = request.userType;
  const isPayloadAny: IsAny<typeof request.jwtPayload> = false;
  const isPrincipalAny: IsAny<typeof request.auth> = false;
  return reply.send({ payload, principal, id, type, isPayloadAny, isPrincipalAny });
});
app.get('/one', { onRequest: [requireAuth(options), requireRole('TTS', 'Agent')] }, (_request, reply) => reply.send());
await app.register(async (scope) => {
  await scope.register(requireAuth(options));
});

const guard = requireAuthOnNode(options);
createServer((request, response) => guard(request, response, () => response.end()));
export const idOf = async (token: string): Promise<number> =>
  (await createVerifier(options).verify(token)).principal.id;

// @ts-expect-error A list of keys.
requireAuth({ signingKeys: 'a' });
// @ts-expect-error An algorithm of secrets.
requireAuth({ signingKeys: ['a'], algorithm: 'RS256' });
// @ts-expect-error A system and a role.
requireRole('TTS');
