// Prints what each request is answered, with the Fastify that came with the package.
import { requireAuth, requireRole } from '@auth-bff/server/fastify';
import Fastify from 'fastify';

const [signingKey, token] = process.argv.slice(-2);
const app = Fastify();
await app.register(requireAuth({ signingKeys: [signingKey], publicPrefixes: ['/public/'] }));
app.get('/admin', { preHandler: requireRole('TTS', 'Admin') }, async () => 'admin');
for (const path of ['/', '/public/x']) {
  app.get(path, (request, reply) => reply.send(JSON.stringify(request.userId)));
}
const url = await app.listen({ host: '127.0.0.1', port: 0 });
const ask = async (path, headers = {}) => {
  const answer = await fetch(`${url}${path}`, { headers });
  return `${answer.status} ${await answer.text()}\n`;
};
const cookie = { cookie: `access_token=${token}` };
process.stdout.write(await ask('/'));
process.stdout.write(await ask('/', { cookie: 'access_token=nonsense' }));
process.stdout.write(await ask('/', cookie));
process.stdout.write(await ask('/public/x'));
process.stdout.write(await ask('/admin', cookie));
await app.close();
