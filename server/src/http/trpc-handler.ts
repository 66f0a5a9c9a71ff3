import { maxCallsPerBatch, sessionExpiresInHeader, sessionRefreshInHeader, trpcPath } from '@auth-bff/shared';
import { type FastifyTRPCPluginOptions, fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { toAppError } from '../error-data.ts';
import type { AppError } from '../errors.ts';
import { type AppRouter, appRouter } from '../router.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import { registerRequestLine } from './request-line.ts';

export type RequestFacts = {
  callsInRequest: number;
  isStreamed: boolean;
  /** Each procedure called, once; what is none of ours is `unknown`. */
  procedures: string[];
};

/** A name that a client may have made up, as one of ours. */
const nameOf = (path: string): string => (Object.hasOwn(appRouter._def.procedures, path) ? path : 'unknown');

const namesOf = (calls: ReadonlyArray<{ path: string }>): string[] => {
  const names: string[] = [];
  for (const { path } of calls) {
    const name = nameOf(path);
    if (!names.includes(name)) names.push(name);
  }
  return names;
};

export type TrpcHandlerOptions = {
  createContext: (request: FastifyRequest, reply: FastifyReply, facts: RequestFacts) => Context;
  onError: (error: AppError, request: FastifyRequest, procedure: string | undefined) => void;
  /** Told of each failure that no procedure has seen; `none` where it is not even known which was called. */
  onUnreached: (procedure: string, error: AppError, request: FastifyRequest) => void;
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
  const { createContext, onError, onUnreached, variesByOrigin } = options;
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
          const context = createContext(req, res, {
            callsInRequest: info.calls.length,
            isStreamed,
            procedures: namesOf(info.calls),
          });
          // The head of a streamed answer leaves before its calls end, and it tells of the session.
          if (isStreamed) await context.session();
          return context;
        },
        onError: ({ error, req, path, type }) => {
          const appError = toAppError(error);
          // Of what reached a procedure its own middleware has told.
          const isUnreached = path === undefined || type === 'unknown' || appError.reason === 'method_not_allowed';
          if (isUnreached) onUnreached(path === undefined ? 'none' : nameOf(path), appError, req);
          onError(appError, req, path === undefined ? undefined : nameOf(path));
        },
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
