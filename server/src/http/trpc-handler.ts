import { limits, sessionExpiresInHeader, sessionRefreshInHeader, trpcPath } from '@auth-bff/shared';
import { type FastifyTRPCPluginOptions, fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { toAppError } from '../error-data.ts';
import type { AppError } from '../errors.ts';
import { type AppRouter, appRouter } from '../router.ts';
import type { VerifiedToken } from '../token/verified-token.ts';

export type RequestFacts = { callsInRequest: number; isStreamed: boolean };

export type TrpcHandlerOptions = {
  createContext: (request: FastifyRequest, reply: FastifyReply, facts: RequestFacts) => Context;
  onError: (error: AppError, request: FastifyRequest, procedure: string | undefined) => void;
  /** Whether answers differ by `Origin`, as with CORS they do. */
  variesByOrigin: boolean;
};

/** Tells in whole seconds how long the session of this answer lives: nobody has to trust the browser's clock. */
export const announceSession = (
  reply: FastifyReply,
  { expiresAtMs, refreshAtMs }: Pick<VerifiedToken, 'expiresAtMs' | 'refreshAtMs'>,
  nowMs: number,
): void => {
  const secondsUntil = (timeMs: number) => Math.max(0, Math.floor((timeMs - nowMs) / 1000));
  reply.header(sessionExpiresInHeader, secondsUntil(expiresAtMs));
  reply.header(sessionRefreshInHeader, secondsUntil(refreshAtMs));
};

/** Answers `/trpc` by tRPC's own Fastify adapter. */
export const registerTrpc = async (server: FastifyInstance, options: TrpcHandlerOptions): Promise<void> => {
  const { createContext, onError, variesByOrigin } = options;
  await server.register(async (scope) => {
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });
    await scope.register<FastifyTRPCPluginOptions<AppRouter>>(fastifyTRPCPlugin, {
      prefix: trpcPath,
      trpcOptions: {
        router: appRouter,
        maxBatchSize: limits.callsPerBatch,
        createContext: ({ req, res, info }) =>
          createContext(req, res, {
            callsInRequest: info.calls.length,
            isStreamed: info.accept === 'application/jsonl',
          }),
        onError: ({ error, req, path }) => onError(toAppError(error), req, path),
        responseMeta: ({ errors }) => {
          const headers = new Headers();
          // The adapter's own Vary would replace the one of CORS.
          if (variesByOrigin) headers.set('vary', 'Origin');
          const waits = errors.flatMap((error) => toAppError(error).retryAfterSeconds ?? []);
          if (waits.length > 0) headers.set('retry-after', String(Math.max(...waits)));
          return { headers };
        },
      },
    });
  });
};
