import { maxCallsPerBatch, sessionExpiresInHeader, sessionRefreshInHeader, trpcPath } from '@auth-bff/shared';
import { type FastifyTRPCPluginOptions, fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { toAppError } from '../error-data.ts';
import type { AppError } from '../errors.ts';
import { type AppRouter, appRouter } from '../router.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import { registerRequestLine } from './request-line.ts';

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
    scope.addHook('onSend', async (_request, reply, payload) => {
      // The adapter's own Vary, for answers that are given before it.
      const vary = variesByOrigin ? 'trpc-accept, accept, Origin' : 'trpc-accept, accept';
      reply.header('cache-control', 'no-store').header('vary', vary);
      // It gives no type to what it cannot read as calls, and a string's own is text.
      const isText = payload instanceof Response && payload.headers.get('content-type')?.startsWith('text/plain');
      if (isText === true) payload.headers.set('content-type', 'application/json');
    });
    registerRequestLine(scope);
    await scope.register<FastifyTRPCPluginOptions<AppRouter>>(fastifyTRPCPlugin, {
      prefix: trpcPath,
      trpcOptions: {
        router: appRouter,
        maxBatchSize: maxCallsPerBatch,
        createContext: async ({ req, res, info }) => {
          const isStreamed = info.accept === 'application/jsonl';
          const context = createContext(req, res, { callsInRequest: info.calls.length, isStreamed });
          // The head of a streamed answer leaves before its calls end, and it tells of the session.
          if (isStreamed) await context.session();
          return context;
        },
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
