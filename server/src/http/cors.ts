import fastifyCors from '@fastify/cors';
import { csrfHeader, exposedHeaders, requestIdHeader } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';

export type CorsOptions = { corsOrigins: readonly string[] };

/** Lets scripts of the allowed origins call with credentials. Without any, there is no CORS at all. */
export const registerCors = async (server: FastifyInstance, { corsOrigins }: CorsOptions): Promise<void> => {
  if (corsOrigins.length === 0) return;
  await server.register(fastifyCors, {
    origin: [...corsOrigins],
    credentials: true,
    methods: ['GET', 'POST'],
    allowedHeaders: [
      'content-type',
      'authorization',
      csrfHeader,
      requestIdHeader,
      'trpc-accept',
      'last-event-id',
      'traceparent',
    ],
    exposedHeaders,
    maxAge: 600,
    strictPreflight: false,
  });
};
