import { setTimeout as delay } from 'node:timers/promises';
import { AppError, isAppError } from '../../errors.ts';
import type { Endpoint } from '../endpoints.ts';
import { retryAfterSecondsOf } from '../response-errors.ts';
import {
  type CreateDeadline,
  deadlineByTimer,
  isRateLimited,
  isServerError,
  type Transport,
  type UpstreamRequest,
  type UpstreamResponse,
} from '../transport.ts';
import { type Breaker, type BreakerState, createBreaker } from './breaker.ts';
import { BulkheadFull, createBulkhead } from './bulkhead.ts';
import { type CallSource, sourceOf } from './call-source.ts';
import { UploadError } from '../upload.ts';
import type { CallResult } from './half-open.ts';

export type Sleep = (ms: number, signal: AbortSignal) => Promise<unknown>;

export type ResilienceOptions = {
  transport: Pick<Transport, 'request'>;
  /** Milliseconds since the epoch. Needed for a `Retry-After` that is a date. */
  now: () => number;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
  /** Between 0 and 1. Default `Math.random`. */
  random?: () => number;
  /** Resolves after the given milliseconds. Rejects when the signal aborts. */
  sleep?: Sleep | undefined;
  /** Deadline of a call with all its retries. Default `AbortSignal.timeout`. */
  createDeadline?: CreateDeadline | undefined;
  /** The breaker of an endpoint has opened. */
  onOpen?: (endpoint: string) => void;
};

/**
 * One caller may use a quarter of the slots, even while no other caller is active: slow calls hold slots for seconds,
 * and callers that arrive meanwhile must not wait for them.
 */
const bulkheadLimits = { limit: 64, limitPerSource: 16, maxQueued: 256 };

const maxRetries = 2;
const retriesPerRequest = 0.2;
/** Maximum of saved retries, and the initial budget. */
const maxSavedRetries = 10;
const firstBackoffMs = 50;
const retryableStatuses = new Set([502, 503, 504]);

const defaultSleep: Sleep = (ms, signal) => delay(ms, undefined, { signal });

/** Limits retries to a fifth of the requests, so that an outage does not triple the load. */
const createRetryBudget = () => {
  let left = maxSavedRetries;
  return {
    /** Call once per request. */
    earn(): void {
      left = Math.min(maxSavedRetries, left + retriesPerRequest);
    },
    /** Takes one retry from the budget. False if the budget is used up. */
    spend(): boolean {
      // The tolerance covers rounding: sums of 0.2 are inexact.
      if (left < 1 - 1e-9) return false;
      left -= 1;
      return true;
    },
  };
};

const isRetryable = (outcome: UpstreamResponse | AppError): boolean =>
  outcome instanceof AppError
    ? outcome.upstream === 'unreachable' || outcome.upstream === 'connection_closed'
    : retryableStatuses.has(outcome.status);

const resultOf = (response: UpstreamResponse): CallResult => {
  if (isServerError(response)) return 'failure';
  return isRateLimited(response) ? 'rate_limited' : 'success';
};

/** A full queue, a deadline or a disconnect before any response becomes `overloaded`. */
const toOverloaded = (error: unknown): unknown =>
  error instanceof BulkheadFull || (error instanceof Error && /^(TimeoutError|AbortError)$/.test(error.name))
    ? new AppError('overloaded', { cause: error, retryAfterSeconds: 1 })
    : error;

/**
 * Wraps the transport with a breaker per endpoint, then retries (reads only), then a bulkhead around each attempt. One
 * deadline covers the whole call.
 *
 * cockatiel does not fit: its half-open breaker queues callers instead of rejecting them, its bulkhead keeps callers that
 * have disconnected, and its clock cannot be injected.
 */
export const createResilience = (options: ResilienceOptions) => {
  const { transport, now, random = Math.random, sleep = defaultSleep, createDeadline = deadlineByTimer } = options;
  const { onOpen } = options;
  const monotonicNow = options.monotonicNow ?? (() => performance.now());
  const breakers = new Map<string, Breaker>();
  const runInBulkhead = createBulkhead(bulkheadLimits);
  const budget = createRetryBudget();

  const breakerOf = (name: string): Breaker => {
    const breaker = breakers.get(name) ?? createBreaker({ monotonicNow, onOpen: () => onOpen?.(name) });
    breakers.set(name, breaker);
    return breaker;
  };

  /** Backoff in milliseconds, with full jitter, and at least the service's `Retry-After`. Null: do not retry. */
  const retryDelayMs = (outcome: UpstreamResponse | AppError, retries: number, deadlineMs: number): number | null => {
    if (!isRetryable(outcome) || retries >= maxRetries) return null;
    const retryAfterSeconds = outcome instanceof AppError ? 0 : (retryAfterSecondsOf(outcome, now()) ?? 0);
    const waitMs = retryAfterSeconds * 1000 + random() * firstBackoffMs * 2 ** retries;
    const isInTime = monotonicNow() + waitMs < deadlineMs;
    return isInTime && budget.spend() ? waitMs : null;
  };

  const attempt = (
    endpoint: Endpoint,
    request: UpstreamRequest,
    signal: AbortSignal,
  ): Promise<UpstreamResponse | AppError> =>
    runInBulkhead(() => transport.request(endpoint, { ...request, signal }), {
      source: sourceOf(request).name,
      signal,
      onQueued: request.onQueued,
      onAdmitted: request.onAdmitted,
    }).catch((error: unknown) => {
      if (isAppError(error)) return error;
      throw error;
    });

  const attemptWithRetries = async (
    endpoint: Endpoint,
    request: UpstreamRequest,
    signal: AbortSignal,
    deadlineMs: number,
  ) => {
    budget.earn();
    for (let retries = 0; ; retries += 1) {
      const outcome = await attempt(endpoint, request, signal);
      const waitMs = endpoint.isRead ? retryDelayMs(outcome, retries, deadlineMs) : null;
      if (waitMs === null) return outcome;
      await sleep(waitMs, signal);
    }
  };

  return {
    /**
     * Like the transport's `request`. Also throws `auth_service_unavailable` while the endpoint's breaker is open, and
     * `overloaded`.
     */
    async request(endpoint: Endpoint, request: UpstreamRequest = {}): Promise<UpstreamResponse> {
      const source = sourceOf(request);
      const entry = breakerOf(endpoint.name).enter(source);
      if ('retryAfterMs' in entry) {
        throw new AppError('auth_service_unavailable', {
          cause: `the circuit breaker of ${endpoint.name} is open`,
          retryAfterSeconds: Math.max(1, Math.ceil(entry.retryAfterMs / 1000)),
        });
      }
      let result: CallResult = 'abandoned';
      let blamed: CallSource | null = source;
      try {
        const timeout = createDeadline(endpoint.deadlineMs);
        const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
        const outcome = await attemptWithRetries(endpoint, request, signal, monotonicNow() + endpoint.deadlineMs);
        if (!(outcome instanceof AppError)) {
          result = resultOf(outcome);
          return outcome;
        }
        if (request.signal?.aborted !== true && !(outcome instanceof UploadError)) {
          result = outcome.reason === 'auth_service_unavailable' ? 'failure' : 'success';
        }
        // A source cannot prevent a connection. Only a verified person's token can make the service hang.
        if (outcome.upstream === 'unreachable' || !source.isVerified) blamed = null;
        throw outcome;
      } catch (error) {
        throw toOverloaded(error);
      } finally {
        entry.end(result, blamed);
      }
    },
    /** The service is back: open breakers admit probes immediately. */
    recover(): void {
      for (const breaker of breakers.values()) breaker.recover();
    },
    /** State of each endpoint that was called so far. */
    *breakerStates(): Generator<[endpoint: string, state: BreakerState]> {
      for (const [endpoint, breaker] of breakers) yield [endpoint, breaker.state()];
    },
  };
};

export type Resilience = ReturnType<typeof createResilience>;
