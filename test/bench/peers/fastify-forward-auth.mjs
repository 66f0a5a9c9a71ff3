// The job of oauth2-proxy with `--set-xauthrequest`, done by a bare Fastify: checks the token of the cookie, and answers with
// the claims in headers and without a body.
import fastifyCookie from '@fastify/cookie';
import fastifyJwt from '@fastify/jwt';
import Fastify from 'fastify';
import { reportPort, signingKey } from './listen.mjs';

const server = Fastify();
await server.register(fastifyCookie);
await server.register(fastifyJwt, { secret: signingKey, cookie: { cookieName: 'access_token', signed: false } });
server.get('/verify', async (request, reply) => {
  try {
    await request.jwtVerify();
  } catch {
    return reply.code(401).send();
  }
  const { user_id: id, email, roles } = request.user;
  return reply
    .headers({
      'x-auth-request-user': String(id),
      'x-auth-request-email': email,
      'x-auth-request-groups': roles.join(','),
    })
    .send();
});
await server.listen({ host: '127.0.0.1', port: 0 });
reportPort(server.server.address().port);
