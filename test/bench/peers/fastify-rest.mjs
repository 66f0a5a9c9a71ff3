// A plain REST server with Fastify. BENCH_PLUGINS=1: with the same plugins as the BFF.
import fastifyCookie from '@fastify/cookie';
import fastifyCors from '@fastify/cors';
import fastifyHelmet from '@fastify/helmet';
import fastifyJwt from '@fastify/jwt';
import fastifyRateLimit from '@fastify/rate-limit';
import Fastify from 'fastify';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { signingKey, reportPort, users } from './listen.mjs';

const hasPlugins = process.env.BENCH_PLUGINS === '1';
const server = Fastify({ logger: hasPlugins ? { level: 'info' } : false });

if (hasPlugins) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Requests.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  server.addHook('onResponse', (request, reply, done) => {
    const labels = { method: request.method, route: request.routeOptions.url, status: reply.statusCode };
    durations.observe(labels, reply.elapsedTime / 1000);
    done();
  });
  await server.register(fastifyHelmet);
  await server.register(fastifyCors, { origin: ['https://tts.example.com'], credentials: true });
  await server.register(fastifyRateLimit, { max: 1_000_000, timeWindow: 60_000 });
}
await server.register(fastifyCookie);
await server.register(fastifyJwt, { secret: signingKey, cookie: { cookieName: 'access_token', signed: false } });
server.get('/users/:id', { onRequest: (request) => request.jwtVerify() }, (request, reply) =>
  reply.send(users.get(Number(request.params.id))),
);
await server.listen({ host: '127.0.0.1', port: 0 });
reportPort(server.server.address().port);
