import fastifyCors from '@fastify/cors';
import { csrfHeader, exposedHeaders, requestIdHeader } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';

export type CorsOptions = { corsOrigins: readonly string[] };

/** Lets scripts of the allowed origins call with credentials. Without any, there is no CORS at all. */
export const registerCors = async (server: FastifyInstance, { corsOrigins }: CorsOptions): Promise<void> => {
  if (corsOrigins.length === 0) return;
  const allowed = new Set(corsOrigins);
  await server.register(fastifyCors, {
    // A function, for a list would leave the other headers on answers to origins that are not in it.
    origin: (origin: string | undefined, tell: (error: null, isAllowed: boolean) => void) =>
      tell(null, origin !== undefined && allowed.has(origin)),
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
