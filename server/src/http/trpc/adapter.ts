import { maxCallsPerBatch } from '@auth-bff/shared';
import { fastifyRequestHandler } from '@trpc/server/adapters/fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toAppError } from '../../api/error-data.ts';
import { appRouter } from '../../api/router.ts';
import { namesOf, retryAfterOf, tellOf, type TrpcOptions } from './options.ts';

/** The adapter gives no type to what it cannot read as calls, and a string's own is text. */
export const correctType = (payload: unknown): void => {
  if (typeof payload === 'string') return;
  const isText = payload instanceof Response && payload.headers.get('content-type')?.startsWith('text/plain');
  if (isText === true) payload.headers.set('content-type', 'application/json');
};

/** Answers by tRPC's own Fastify adapter. */
export const createTrpcAdapter =
  (options: TrpcOptions & { variesByOrigin: boolean }) =>
  (request: FastifyRequest, reply: FastifyReply, path: string): Promise<void> =>
    fastifyRequestHandler({
      router: appRouter,
      req: request,
      res: reply,
      path,
      maxBatchSize: maxCallsPerBatch,
      createContext: async ({ req, res, info }) => {
        const isStreamed = info.accept === 'application/jsonl';
        const facts = { callsInRequest: info.calls.length, isStreamed, procedures: namesOf(info.calls) };
        const context = options.createContext(req, res, facts);
        // The head of a streamed answer leaves before its calls end, and it tells of the session.
        if (isStreamed) await context.request.session();
        return context;
      },
      onError: ({ error, path: called, type }) =>
        tellOf(options, request, { error: toAppError(error), path: called, isProcedureFound: type !== 'unknown' }),
      responseMeta: ({ errors }) => {
        const headers = new Headers();
        // The adapter's own Vary would replace the one of CORS.
        if (options.variesByOrigin) headers.set('vary', 'Origin');
        const retryAfter = retryAfterOf(errors.map(toAppError));
        if (retryAfter !== null) headers.set('retry-after', String(retryAfter));
        return { headers };
      },
    });
