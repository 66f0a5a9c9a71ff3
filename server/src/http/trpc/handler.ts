import { trpcPath } from '@auth-bff/shared';
import { getTRPCErrorFromUnknown, getTRPCErrorShape } from '@trpc/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { toAppError } from '../../api/error-mapping.ts';
import { appRouter } from '../../api/router.ts';
import type { AppError } from '../../errors.ts';
import { turnToParse } from '../turn-to-parse.ts';
import { correctHeaders, createTrpcAdapter } from './adapter.ts';
import { toBuffer } from '../../platform/byte-text.ts';
import { all, isSync } from '../../platform/maybe-promise.ts';
import { type CallResult, httpStatusOf, toBody, toErrorResult } from './call-result.ts';
import { createCallRunner } from './call-runner.ts';
import { type Calls, readCalls } from './calls.ts';
import { procedureNamesOf, reportFailure, retryAfterOf } from './options.ts';
import {
  createSubscriptionHandler,
  eventStreamCacheControl,
  type ServeSubscriptionOptions,
} from '../live/serve-subscription.ts';
import { finalSessionHeadersOf } from '../cookies/announce-session.ts';
import { createPreparedResponses } from '../prepared-responses.ts';
import { registerRequestLine } from './request-line.ts';
import { namedPlugin } from '../named-plugin.ts';

const config = appRouter._def._config;
const jsonType = 'application/json; charset=utf-8';

const sendByReply = (reply: FastifyReply, results: CallResult | CallResult[], errors: readonly AppError[]): void => {
  const retryAfter = errors.length === 0 ? null : retryAfterOf(errors);
  if (retryAfter !== null) reply.header('retry-after', String(retryAfter));
  reply
    .code(errors.length === 0 ? 200 : httpStatusOf(results))
    .header('content-type', jsonType)
    .send(toBuffer(toBody(results)));
};

export type TrpcHandlerOptions = ServeSubscriptionOptions & {
  /** Whether CORS is enabled, so that responses differ by `Origin`. */
  variesByOrigin: boolean;
  /** Of all responses. */
  securityHeaders: Readonly<Record<string, string>>;
  /** Serves all calls with tRPC's own adapter. Default false. */
  officialAdapter?: boolean | undefined;
};

/**
 * Serves `/trpc`: plain queries and mutations, single and batched, and subscriptions by this lean handler; streamed
 * batches by tRPC's own adapter.
 *
 * The adapter creates a web `Request`, a `Response`, a stream and several abort signals for each call, which costs more
 * than the rest of the service together (docs/benchmarks.md). This handler is built from the functions that tRPC exports for
 * adapters, and gives the same responses. Calls get no `signal`: the context knows when the client disconnects.
 */
export const registerTrpc = async (server: FastifyInstance, options: TrpcHandlerOptions): Promise<void> => {
  const { createContext, variesByOrigin, securityHeaders, officialAdapter = false } = options;
  const vary = variesByOrigin ? 'trpc-accept, accept, Origin' : 'trpc-accept, accept';
  const write = createPreparedResponses({
    ...securityHeaders,
    'cache-control': 'no-store',
    vary,
    'content-type': jsonType,
  });

  const send = (reply: FastifyReply, results: CallResult | CallResult[], errors: readonly AppError[]): void => {
    const headers = errors.length === 0 ? finalSessionHeadersOf(reply.request) : null;
    if (headers === null) return sendByReply(reply, results, errors);
    write(reply, { status: 200, body: toBody(results), headers });
  };
  const sendWhenReady = async (
    running: Promise<CallResult | CallResult[]>,
    reply: FastifyReply,
    errors: readonly AppError[],
  ): Promise<void> => {
    try {
      send(reply, await running, errors);
    } catch (error) {
      reply.send(error);
    }
  };
  const serveByAdapter = createTrpcAdapter(options);
  const runCall = createCallRunner(options);
  const serveSubscription = createSubscriptionHandler(options);

  /** Rejects a request that cannot be parsed as calls. */
  const reject = (request: FastifyRequest, reply: FastifyReply, cause: unknown): void => {
    const error = getTRPCErrorFromUnknown(cause);
    const appError = toAppError(error);
    reportFailure(options, request, { error: appError, path: undefined, isProcedureFound: false });
    const shape = { config, error, type: 'unknown', path: undefined, input: undefined, ctx: undefined } as const;
    sendByReply(reply, toErrorResult(getTRPCErrorShape(shape)), [appError]);
  };

  const runCalls = (request: FastifyRequest, reply: FastifyReply, { isBatch, calls, inputOf }: Calls): void => {
    const procedures = procedureNamesOf(calls);
    const ctx = createContext(request, reply, { callsInRequest: calls.length, isStreamed: false, procedures });
    const errors: AppError[] = [];
    const running = { request, ctx, inputOf, errors };
    const results = calls.map((call, index) => runCall(running, call, index));
    const [first] = results;
    const outcome = isBatch || first === undefined ? all(results) : first;
    if (isSync(outcome)) send(reply, outcome, errors);
    else void sendWhenReady(outcome, reply, errors);
  };

  /** Returns a promise only for the adapter: Fastify needs three more microtasks for a promise. */
  const serve = (request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined => {
    const { path } = request.params as { path: string };
    let calls: Calls | null = null;
    try {
      if (!officialAdapter) calls = readCalls(request, path);
    } catch (cause) {
      reject(request, reply, cause);
      return undefined;
    }
    if (calls === null) return serveByAdapter(request, reply, path);
    if (calls.subscription === null) runCalls(request, reply, calls);
    else serveSubscription(request, reply, calls.subscription);
    return undefined;
  };

  /** Large inputs wait for their slice of the event loop: parsing 50 that arrive at once would block it. */
  const handle = (request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined => {
    const turn = turnToParse(request);
    if (turn === undefined) return serve(request, reply);
    turn
      // A client that has left meanwhile gets no stream, which would not notice: `close` is not emitted again.
      .then(() => (reply.raw.destroyed ? undefined : serve(request, reply)))
      .catch((error: unknown) => {
        reply.send(error);
      });
    return undefined;
  };

  await server.register(
    namedPlugin('trpc', async (scope) => {
      // A hook, so that responses of other hooks have these headers, too.
      scope.addHook('onSend', (_request, reply, payload, done) => {
        const isStream = reply.getHeader('content-type') === 'text/event-stream';
        reply.header('cache-control', isStream ? eventStreamCacheControl : 'no-store').header('vary', vary);
        correctHeaders(payload);
        done(null, payload);
      });
      registerRequestLine(scope);
      scope.removeContentTypeParser('application/json');
      scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body));
      scope.all(`${trpcPath}/:path`, handle);
    }),
  );
};
