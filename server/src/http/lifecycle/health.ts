import type { Status } from '@auth-bff/shared';
import Fastify, { type FastifyInstance } from 'fastify';
import type { LogLevelControl } from '../../platform/log-level.ts';
import type { Metrics } from '../../platform/metrics/metrics.ts';
import type { RedisState } from '../../platform/redis/shared-redis.ts';
import { registerLogLevel } from './log-level-routes.ts';

/** For a request to arrive. */
const requestTimeoutMs = 10_000;

export type HealthOptions = {
  status: () => Status;
  /** Null without Redis. */
  redis: () => RedisState | null;
  /** Whether the main listener accepts connections. */
  isListening: () => boolean;
  isStopping: () => boolean;
};

const phaseOf = ({ isListening, isStopping }: HealthOptions): 'starting' | 'ok' | 'stopping' => {
  if (isStopping()) return 'stopping';
  return isListening() ? 'ok' : 'starting';
};

/**
 * `/health/live`: the process responds. `/health/ready`: the process can serve, or 503 while it starts or stops. Readiness
 * reports the state of the Auth Service and Redis, but does not depend on it: without them, all replicas would be taken out at
 * once.
 */
export const registerHealth = (server: FastifyInstance, options: HealthOptions): void => {
  const { status, redis } = options;
  server.get('/health/live', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  server.get('/health/ready', async (_request, reply) => {
    const { authService, since } = status();
    const redisState = redis();
    const phase = phaseOf(options);
    return reply
      .code(phase === 'ok' ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({
        status: phase,
        authService,
        since: since.toISOString(),
        ...(redisState === null ? {} : { redis: redisState }),
      });
  });
};

export type OpsServerOptions = HealthOptions & {
  metrics: Metrics;
  /** Null: the level of the log cannot be changed. */
  logLevel: LogLevelControl | null;
};

/** The operator's listener, on its own port: `/metrics`, health and `/log-level`. */
export const createOpsServer = ({ metrics, logLevel, ...health }: OpsServerOptions): FastifyInstance => {
  // Scrapers keep their connections open, which must not delay a shutdown.
  const ops = Fastify({ logger: false, forceCloseConnections: true, requestTimeout: requestTimeoutMs });
  registerHealth(ops, health);
  if (logLevel !== null) registerLogLevel(ops, logLevel);
  ops.get('/metrics', async (_request, reply) => {
    const text = await metrics.text();
    return reply.header('content-type', metrics.contentType).send(text);
  });
  return ops;
};
