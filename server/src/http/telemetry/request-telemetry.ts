import { codeOfReason, httpStatusOfCode, type Reason } from '@auth-bff/shared';
import type { FastifyRequest } from 'fastify';
import type { CallOutcome } from '../../auth-service/transport.ts';
import type { DirectoryKind } from '../../directory/directory.ts';
import type { CacheResult } from '../../directory/swr-cache.ts';
import type { AppError } from '../../errors.ts';
import { causesOf, type Log } from '../../platform/log.ts';
import type { CallCode, Metrics } from '../../platform/metrics/metrics.ts';
import type { InFlightRequests } from './request-record.ts';

export type RequestTelemetryOptions = {
  log: Log;
  metrics: Metrics;
  inFlight: Pick<InFlightRequests, 'find'>;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

const isDisconnected = (request: FastifyRequest): boolean => request.raw.socket.destroyed;

const toCallCode = (request: FastifyRequest, failure: Reason | null): CallCode => {
  if (failure === null) return 'OK';
  return isDisconnected(request) ? 'CLIENT_CLOSED_REQUEST' : codeOfReason[failure];
};

/** Records what happens to requests: counts it in the metrics, adds it to the request's record, and logs failures. */
export const createRequestTelemetry = ({ log, metrics, inFlight, monotonicNow }: RequestTelemetryOptions) => {
  const recordFailure = (error: AppError, request: FastifyRequest, procedure?: string): void => {
    const { reason, isOwnLimit } = error;
    const fields = { requestId: request.id, procedure, reason, causes: causesOf(error.cause) };
    if (isDisconnected(request)) {
      // A failure that the client did not wait for is not a fault of the service.
      log.debug(fields, error.message);
      return;
    }
    metrics.countFailure(reason);
    if (request.record?.reasons.includes(reason) === false) request.record.reasons.push(reason);
    if (httpStatusOfCode[codeOfReason[reason]] >= 500 && !isOwnLimit) log.error(fields, error.message);
    else log.debug(fields, error.message);
  };

  const recordUnreachedCall = (procedure: string, { reason }: AppError, request: FastifyRequest): void => {
    const startedAtMs = request.record?.startedAtMs;
    metrics.observeCall(procedure, codeOfReason[reason], startedAtMs === undefined ? 0 : monotonicNow() - startedAtMs);
  };

  return {
    /** A procedure call ended. `failure` is null for a success. */
    recordCall: (request: FastifyRequest, procedure: string, failure: Reason | null, durationMs: number): void =>
      metrics.observeCall(procedure, toCallCode(request, failure), durationMs),

    /** A call failed. */
    recordFailure,

    /** A call failed before it reached a procedure, so that no procedure has measured it. */
    recordUnreachedCall,

    /** A request was rejected before it reached tRPC. */
    recordRejectedRequest(error: AppError, request: FastifyRequest): void {
      recordUnreachedCall('none', error, request);
      recordFailure(error, request);
    },

    /** The bytes of a client could not be parsed as a request, for which no request log line is written. Null: it got no response. */
    recordUnreadableRequest(error: AppError | null, requestId: string): void {
      if (error === null) return;
      log.info({ requestId, reasons: [error.reason] }, 'unreadable request');
      metrics.countFailure(error.reason);
      metrics.observeCall('none', codeOfReason[error.reason], 0);
    },

    recordUpstreamCall(outcome: CallOutcome): void {
      metrics.observeUpstreamCall(outcome);
      const record = inFlight.find(outcome.requestId);
      if (record === undefined) return;
      record.upstreamCalls += 1;
      record.upstreamMs += outcome.durationMs;
    },

    recordLookup(kind: DirectoryKind, result: CacheResult, requestId: string | undefined): void {
      metrics.countLookup(kind, result);
      const record = result === 'miss' ? undefined : inFlight.find(requestId);
      if (record === undefined) return;
      if (result === 'hit') record.cacheHits += 1;
      else record.cacheStale += 1;
    },

    recordSharedLoad(kind: DirectoryKind, requestId: string | undefined): void {
      metrics.countSharedLoad(kind);
      const record = inFlight.find(requestId);
      if (record !== undefined) record.sharedLoads += 1;
    },
  };
};

export type RequestTelemetry = ReturnType<typeof createRequestTelemetry>;
