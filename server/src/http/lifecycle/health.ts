import type { Status } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';

export type HealthOptions = {
  status: () => Status;
  /** Null where there is no Redis. */
  redis: () => 'up' | 'away' | null;
  isStopping: () => boolean;
};

/**
 * `/health/live`: the process answers. `/health/ready`: it can serve, 503 once it stops; how the Auth Service and Redis
 * are is told, and is no reason to be taken out.
 */
export const registerHealth = (server: FastifyInstance, { status, redis, isStopping }: HealthOptions): void => {
  server.get('/health/live', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  server.get('/health/ready', async (_request, reply) => {
    const { authService, since } = status();
    const store = redis();
    return reply
      .code(isStopping() ? 503 : 200)
      .header('cache-control', 'no-store')
      .send({
        status: isStopping() ? 'stopping' : 'ok',
        authService,
        since: since.toISOString(),
        ...(store === null ? {} : { redis: store }),
      });
  });
};
