import fastifyCors from '@fastify/cors';
import { csrfHeader, exposedHeaders, idempotencyKeyHeader, requestIdHeader } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';

export type CorsOptions = { corsOrigins: readonly string[] };

/** Lets the allowed origins call with credentials. Without allowed origins, CORS is disabled. */
export const registerCors = async (server: FastifyInstance, { corsOrigins }: CorsOptions): Promise<void> => {
  if (corsOrigins.length === 0) return;
  const allowed = new Set(corsOrigins);
  await server.register(fastifyCors, {
    // A function: with a list, the plugin still sends the other CORS headers to origins that are not in it.
    origin: (origin: string | undefined, callback: (error: null, isAllowed: boolean) => void) =>
      callback(null, origin !== undefined && allowed.has(origin)),
    credentials: true,
    // The picture needs the last two.
    methods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: [
      'content-type',
      'authorization',
      csrfHeader,
      requestIdHeader,
      idempotencyKeyHeader,
      'trpc-accept',
      'last-event-id',
      'traceparent',
    ],
    exposedHeaders,
    maxAge: 600,
    strictPreflight: false,
  });
};
