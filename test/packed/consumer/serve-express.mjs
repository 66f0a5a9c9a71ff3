// Prints what each request is answered, with the Express that is installed.
import { once } from 'node:events';
import { requireAuth, requireRole } from '@auth-bff/server/express';
import express from 'express';

const [signingKey, token] = process.argv.slice(-2);
const app = express();
app.use(requireAuth({ signingKeys: [signingKey], publicPrefixes: ['/public/'] }));
app.get('/admin', requireRole('TTS', 'Admin'), (_request, response) => response.send('admin'));
app.use((request, response) => response.json(request.user?.user_id ?? null));
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const ask = async (path, headers = {}) => {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers });
  return `${answer.status} ${await answer.text()}\n`;
};
const cookie = { cookie: `access_token=${token}` };
process.stdout.write(await ask('/'));
process.stdout.write(await ask('/', { cookie: 'access_token=nonsense' }));
process.stdout.write(await ask('/', cookie));
process.stdout.write(await ask('/public/x'));
process.stdout.write(await ask('/admin', cookie));
server.close();
server.closeAllConnections();
