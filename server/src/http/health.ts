import type { Status } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';

export type HealthOptions = { status: () => Status; isStopping: () => boolean };

/**
 * `/health/live`: the process answers. `/health/ready`: it can serve, 503 once it stops; what the Auth Service does is told,
 * and is no reason to be taken out.
 */
export const registerHealth = (server: FastifyInstance, { status, isStopping }: HealthOptions): void => {
  server.get('/health/live', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  server.get('/health/ready', async (_request, reply) => {
    const { authService, since } = status();
    const told = isStopping() ? 'stopping' : 'ok';
    return reply
      .code(isStopping() ? 503 : 200)
      .header('cache-control', 'no-store')
      .send({ status: told, authService, since: since.toISOString() });
  });
};
