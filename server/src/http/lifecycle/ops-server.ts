import Fastify, { type FastifyInstance } from 'fastify';
import type { Metrics } from '../../platform/metrics.ts';
import { type HealthOptions, registerHealth } from './health.ts';

export type OpsOptions = HealthOptions & { metrics: Metrics };

/** The operator's listener, away from the one that the world sees: `/metrics` and the health of the service. */
export const createOps = ({ metrics, ...health }: OpsOptions): FastifyInstance => {
  // A scraper keeps its connection open, and has no claim on the process.
  const ops = Fastify({ logger: false, forceCloseConnections: true });
  registerHealth(ops, health);
  ops.get('/metrics', async (_request, reply) => {
    const text = await metrics.text();
    return reply.header('content-type', metrics.contentType).send(text);
  });
  return ops;
};
