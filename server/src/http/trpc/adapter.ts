import { maxCallsPerBatch } from '@auth-bff/shared';
import { fastifyRequestHandler } from '@trpc/server/adapters/fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toAppError } from '../../api/error-mapping.ts';
import { appRouter } from '../../api/router.ts';
import { eventStreamCacheControl } from '../live/serve-subscription.ts';
import { procedureNamesOf, reportFailure, retryAfterOf, type TrpcOptions } from './options.ts';

/**
 * Corrects headers of the adapter's responses: it sends the error for a request that cannot be parsed as text/plain, and
 * lets caches keep the events of a stream.
 */
export const correctHeaders = (payload: unknown): void => {
  if (typeof payload === 'string' || !(payload instanceof Response)) return;
  const type = payload.headers.get('content-type');
  if (type?.startsWith('text/plain') === true) payload.headers.set('content-type', 'application/json');
  if (type === 'text/event-stream') payload.headers.set('cache-control', eventStreamCacheControl);
};

/** Serves a request with tRPC's own Fastify adapter. */
export const createTrpcAdapter =
  (options: TrpcOptions & { variesByOrigin: boolean }) =>
  (request: FastifyRequest, reply: FastifyReply, path: string): Promise<void> => {
    // tRPC reports the failure of a subscription twice.
    const reported = new WeakSet<Error>();
    return fastifyRequestHandler({
      router: appRouter,
      req: request,
      res: reply,
      path,
      maxBatchSize: maxCallsPerBatch,
      createContext: async ({ req, res, info }) => {
        const isStreamed = info.accept === 'application/jsonl';
        const facts = { callsInRequest: info.calls.length, isStreamed, procedures: procedureNamesOf(info.calls) };
        const context = options.createContext(req, res, facts);
        // A streamed response sends its headers before its calls end, and they include those of the session.
        if (isStreamed) await context.request.session();
        return context;
      },
      onError: ({ error, path: called, type }) => {
        if (type === 'subscription' && reported.has(error)) return;
        reported.add(error);
        reportFailure(options, request, {
          error: toAppError(error),
          path: called,
          isProcedureFound: type !== 'unknown',
        });
      },
      responseMeta: ({ errors }) => {
        const headers = new Headers();
        // The adapter's Vary header would replace the one that CORS set.
        if (options.variesByOrigin) headers.set('vary', 'Origin');
        const retryAfter = retryAfterOf(errors.map(toAppError));
        if (retryAfter !== null) headers.set('retry-after', String(retryAfter));
        return { headers };
      },
    });
  };
