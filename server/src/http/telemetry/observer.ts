import { codeOfReason, httpStatusOfCode, type Reason } from '@auth-bff/shared';
import type { FastifyRequest } from 'fastify';
import type { CallOutcome } from '../../auth-service/transport.ts';
import type { DirectoryKind } from '../../directory/directory.ts';
import type { CacheResult } from '../../directory/swr-cache.ts';
import type { AppError } from '../../errors.ts';
import { causesOf, type Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { RequestNotesKeeper } from './notes.ts';

export type ObserverOptions = {
  log: Log;
  metrics: Metrics;
  notes: RequestNotesKeeper;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

const hasLeft = (request: FastifyRequest): boolean => request.raw.socket.destroyed;

/** Is told what happens, and sees that it is counted, noted of its request, and logged where it is a failure. */
export const createObserver = ({ log, metrics, notes, monotonicNow }: ObserverOptions) => {
  const onError = (error: AppError, request: FastifyRequest, procedure?: string): void => {
    const { reason } = error;
    const left = hasLeft(request);
    if (!left) {
      metrics.countFailure(reason);
      if (request.notes?.reasons.includes(reason) === false) request.notes.reasons.push(reason);
    }
    const fields = { requestId: request.id, procedure, reason, causes: causesOf(error.cause) };
    if (httpStatusOfCode[codeOfReason[reason]] >= 500 && !left) log.error(fields, error.message);
    // Whoever has left is told nothing, and nothing is wrong.
    else log.debug(fields, error.message);
  };

  const observeUnreached = (procedure: string, { reason }: AppError, request: FastifyRequest): void =>
    metrics.observeCall(
      procedure,
      codeOfReason[reason],
      monotonicNow() - (request.notes?.startedAtMs ?? monotonicNow()),
    );

  return {
    /** A call of a procedure has ended; null for a success. */
    onCall: (request: FastifyRequest, procedure: string, failure: Reason | null, durationMs: number): void =>
      metrics.observeCall(
        procedure,
        failure === null ? 'OK' : hasLeft(request) ? 'CLIENT_CLOSED_REQUEST' : codeOfReason[failure],
        durationMs,
      ),

    /** A call has failed: logged, noted of its request, counted by its reason. */
    onError,

    /** A call has failed that no procedure has seen, and so none has measured. */
    onUnreached: observeUnreached,

    /** A request was refused before tRPC. */
    onRefused(error: AppError, request: FastifyRequest): void {
      observeUnreached('none', error, request);
      onError(error, request);
    },

    /** What came could not be read as a request; null where it was not answered. It has no line of its own otherwise. */
    onUnreadable(error: AppError | null, requestId: string): void {
      if (error === null) return;
      log.info({ requestId, reasons: [error.reason] }, 'unreadable request');
      metrics.countFailure(error.reason);
      metrics.observeCall('none', codeOfReason[error.reason], 0);
    },

    onUpstreamCall(outcome: CallOutcome): void {
      metrics.observeUpstreamCall(outcome);
      const of = notes.of(outcome.requestId);
      if (of === undefined) return;
      of.upstreamCalls += 1;
      of.upstreamMs += outcome.durationMs;
    },

    onLookup(kind: DirectoryKind, how: CacheResult, requestId: string | undefined): void {
      metrics.countLookup(kind, how);
      const of = how === 'miss' ? undefined : notes.of(requestId);
      if (of === undefined) return;
      if (how === 'hit') of.cacheHits += 1;
      else of.cacheStale += 1;
    },

    onSharedLoad(kind: DirectoryKind, requestId: string | undefined): void {
      metrics.countSharedLoad(kind);
      const of = notes.of(requestId);
      if (of !== undefined) of.sharedLoads += 1;
    },
  };
};

export type Observer = ReturnType<typeof createObserver>;
