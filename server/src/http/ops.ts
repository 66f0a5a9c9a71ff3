import type { Status } from '@auth-bff/shared';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics.ts';
import { registerHealth } from './health.ts';

export type OpsOptions = { metrics: Metrics; status: () => Status };

/** The operator's listener, away from the one that the world sees: `/metrics` and the health of the service. */
export const createOps = ({ metrics, status }: OpsOptions): FastifyInstance => {
  const ops = Fastify({ logger: false });
  registerHealth(ops, { status });
  ops.get('/metrics', async (_request, reply) => {
    const text = await metrics.text();
    return reply.header('content-type', metrics.contentType).send(text);
  });
  return ops;
};
