import type { Status } from '@auth-bff/shared';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Metrics } from '../../platform/metrics/metrics.ts';

export type HealthOptions = {
  status: () => Status;
  /** Null without Redis. */
  redis: () => 'up' | 'refusing' | 'away' | null;
  isStopping: () => boolean;
};

/**
 * `/health/live`: the process responds. `/health/ready`: the process can serve, or 503 during shutdown. Readiness reports
 * the state of the Auth Service and Redis, but does not depend on it: without them, all replicas would be taken out at once.
 */
export const registerHealth = (server: FastifyInstance, { status, redis, isStopping }: HealthOptions): void => {
  server.get('/health/live', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  server.get('/health/ready', async (_request, reply) => {
    const { authService, since } = status();
    const redisState = redis();
    return reply
      .code(isStopping() ? 503 : 200)
      .header('cache-control', 'no-store')
      .send({
        status: isStopping() ? 'stopping' : 'ok',
        authService,
        since: since.toISOString(),
        ...(redisState === null ? {} : { redis: redisState }),
      });
  });
};

/** The operator's listener, on its own port: `/metrics` and health. */
export const createOpsServer = ({ metrics, ...health }: HealthOptions & { metrics: Metrics }): FastifyInstance => {
  // Scrapers keep their connections open, which must not delay a shutdown.
  const ops = Fastify({ logger: false, forceCloseConnections: true });
  registerHealth(ops, health);
  ops.get('/metrics', async (_request, reply) => {
    const text = await metrics.text();
    return reply.header('content-type', metrics.contentType).send(text);
  });
  return ops;
};
