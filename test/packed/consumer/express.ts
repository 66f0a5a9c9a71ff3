// Uses the package like a service on Express. Compiled in a separate folder with only the installed packages.
import { type JwtPayload, type Principal, requireAuth, requireRole } from '@auth-bff/server/express';
import express from 'express';

type IsAny<A> = 0 extends 1 & A ? true : false;

export const app = express();
app.use(requireAuth({ signingKeys: ['a'.repeat(32)], algorithm: 'HS256', publicPrefixes: ['/public/'] }));
app.get('/tickets', requireRole('TTS', 'Agent'), (request, response) => {
  const payload: JwtPayload | undefined = request.user;
  const principal: Principal | null | undefined = request.auth;
  // Until the project declares its type.
  const isPayloadAny: IsAny<typeof request.user> = true;
  const isPrincipalAny: IsAny<typeof request.auth> = false;
  response.json({ id: principal?.id.toFixed(), exp: payload?.exp.toFixed(), isPayloadAny, isPrincipalAny });
});
express.Router().get('/one', requireAuth({ signingKeys: ['a'.repeat(32)] }));

// @ts-expect-error A list of keys.
requireAuth({ signingKeys: 'a' });
// @ts-expect-error An algorithm of secrets.
requireAuth({ signingKeys: ['a'], algorithm: 'RS256' });
// @ts-expect-error A system and a role.
requireRole('TTS');
