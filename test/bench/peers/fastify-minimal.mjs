// The lower bound of start time: Fastify with one route.
import Fastify from 'fastify';

const server = Fastify();
server.get('/health/live', async () => ({ status: 'ok' }));
await server.listen({ host: process.env.HOST, port: Number(process.env.PORT) });
