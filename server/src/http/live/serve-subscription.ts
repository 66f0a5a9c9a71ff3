import { getTRPCErrorFromUnknown, getTRPCErrorShape, TRPCError } from '@trpc/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../../api/context.ts';
import { toAppError } from '../../api/error-mapping.ts';
import { appRouter } from '../../api/router.ts';
import type { LiveLimits } from '../../live/live-limits.ts';
import { StoppedError } from '../../live/stopped-error.ts';
import type { Sweep } from '../../live/sweep.ts';
import type { Log } from '../../platform/log.ts';
import type { Subscription } from '../trpc/calls.ts';
import { procedureNamesOf, reportFailure, type TrpcOptions } from '../trpc/options.ts';
import { createEventFormat, returnText, toErrorText, toRetryText } from './event-format.ts';
import { createEventStreams } from './event-stream.ts';

export type ServeSubscriptionOptions = TrpcOptions & {
  live: {
    limits: Pick<LiveLimits, 'pingMs' | 'unreadMs'>;
    sweep: Sweep;
    log: Log;
    /** Monotonic milliseconds. */
    monotonicNow: () => number;
    /** Default `Math.random`. */
    random?: (() => number) | undefined;
  };
};

const config = appRouter._def._config;

/** Caches must not keep events, and `no-transform` keeps proxies from compressing them. tRPC sends `no-cache` instead of `no-store`. */
export const eventStreamCacheControl = 'no-store, no-transform';

/**
 * As tRPC's adapter sends them, except `connection`: Node sets it, and a process that stops closes the connection.
 * `x-accel-buffering`: nginx does not collect the events.
 */
const eventStreamHeaders = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } as const;

/** A stop disconnects all clients at once. They come back spread over some seconds. */
const [minRetryMs, maxRetryMs] = [1_000, 5_000];

const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

const failing = (error: unknown): AsyncIterable<never> => ({
  [Symbol.asyncIterator]: () => ({
    next: async () => {
      throw error;
    },
  }),
});

/**
 * Serves a subscription with the bytes of tRPC's adapter. The adapter puts four web streams behind each other for each
 * client. Failures are events of the stream, after status 200: an EventSource does not show the body of another status.
 */
export const createSubscriptionHandler = (options: ServeSubscriptionOptions) => {
  const { createContext, live } = options;
  const { log, random = Math.random } = live;
  const createEventStream = createEventStreams(live);
  const retryMs = (): number => Math.round(minRetryMs + random() * (maxRetryMs - minRetryMs));

  const toFailureText = (request: FastifyRequest, cause: unknown, { path }: Subscription, ctx: Context): string => {
    const error = getTRPCErrorFromUnknown(cause);
    const appError = toAppError(error);
    reportFailure(options, request, { error: appError, path, isProcedureFound: true });
    const shape = getTRPCErrorShape({ config, error, type: 'subscription', path, input: undefined, ctx });
    const { retryAfterSeconds } = appError;
    const retry = retryAfterSeconds === undefined ? '' : toRetryText(retryAfterSeconds * 1_000 + retryMs());
    return retry + toErrorText(shape);
  };

  /** Calls the procedure. Its failure is the first event. */
  const call = async (
    subscription: Subscription,
    ctx: Context,
    signal: AbortSignal,
  ): Promise<AsyncIterable<unknown>> => {
    const { path, procedure, getRawInput } = subscription;
    try {
      const callOptions = { path, type: 'subscription', ctx, getRawInput, signal, batchIndex: 0 } as const;
      const events = (await procedure(callOptions)) as unknown;
      if (isIterable(events)) return events;
      throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: `${path} returned no events.` });
    } catch (error) {
      return failing(error);
    }
  };

  const textsOf = async function* (
    events: AsyncIterable<unknown>,
    lastEventId: string | null,
    toFailure: (cause: unknown) => string,
  ): AsyncGenerator<string, void> {
    const toText = createEventFormat(lastEventId);
    try {
      for await (const event of events) yield toText(event);
      yield returnText;
    } catch (error) {
      // Without a `return` event, the client connects again: to another replica, because this one stops.
      yield error instanceof StoppedError ? toRetryText(retryMs()) : toFailure(error);
    }
  };

  const serve = async (request: FastifyRequest, reply: FastifyReply, subscription: Subscription): Promise<void> => {
    const procedures = procedureNamesOf([subscription]);
    const facts = { callsInRequest: 1, isStreamed: false, sendsPositions: true, procedures };
    const ctx = createContext(request, reply, facts);
    const controller = new AbortController();
    reply.raw.once('close', () => controller.abort());
    const events = await call(subscription, ctx, controller.signal);
    // The client has left while it was admitted.
    if (controller.signal.aborted) return;
    const stream = createEventStream({
      response: reply.raw,
      texts: textsOf(events, subscription.lastEventId, (cause) => toFailureText(request, cause, subscription, ctx)),
      onUnread() {
        log.debug({ requestId: request.id }, 'Subscription closed: the client did not read its events in time.');
        request.raw.socket.destroy();
      },
    });
    reply.code(200).headers(eventStreamHeaders).send(stream);
  };

  return (request: FastifyRequest, reply: FastifyReply, subscription: Subscription): void => {
    serve(request, reply, subscription).catch((error: unknown) => {
      reply.send(error);
    });
  };
};
