import type { Status } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';

export type HealthOptions = { status: () => Status };

/** `/health/live`: the process answers. `/health/ready`: it can serve; what the Auth Service does is told, and is no reason to be taken out. */
export const registerHealth = (server: FastifyInstance, { status }: HealthOptions): void => {
  server.get('/health/live', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  server.get('/health/ready', async (_request, reply) => {
    const { authService, since } = status();
    return reply.header('cache-control', 'no-store').send({ status: 'ok', authService, since: since.toISOString() });
  });
};
