import { setTimeout as delay } from 'node:timers/promises';
import { AppError, isAppError } from '../../errors.ts';
import { type Breaker, type BreakerState, type CallEnd, createBreaker } from './breaker.ts';
import { BulkheadFull, createBulkhead } from './bulkhead.ts';
import { type CallSource, sourceOf } from './call-source.ts';
import type { Endpoint } from '../endpoints.ts';
import { retryAfterOf } from '../response-errors.ts';
import { createRetryBudget } from './retry-budget.ts';
import {
  type Answer,
  type CreateDeadline,
  deadlineByTimer,
  type Exchange,
  isFailure,
  isRateLimited,
  type Transport,
} from '../transport.ts';

export type Sleep = (ms: number, signal: AbortSignal) => Promise<unknown>;

export type ResilienceOptions = {
  transport: Pick<Transport, 'request'>;
  /** Milliseconds since the epoch: for a `Retry-After` that is a date. */
  now: () => number;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
  /** Between 0 and 1. Default `Math.random`. */
  random?: () => number;
  /** Resolves after so many milliseconds; rejects when the signal aborts. */
  sleep?: Sleep | undefined;
  /** The deadline of a call, with all of its attempts. Default `AbortSignal.timeout`. */
  createDeadline?: CreateDeadline | undefined;
  /** Told when the breaker of an endpoint opens. */
  onOpen?: (endpoint: string) => void;
};

/**
 * Of the calls under way one caller has a quarter at most, also while nobody else calls: a slow call keeps its slot for
 * seconds, and others who come meanwhile must not wait for it.
 */
const slots = { limit: 64, limitPerSource: 16, maxWaiting: 256 };

const maxRetries = 2;
const firstBackoffMs = 50;
const retryableStatuses = new Set([502, 503, 504]);

const sleepForReal: Sleep = (ms, signal) => delay(ms, undefined, { signal });

/**
 * A transport that spares a service in trouble and survives it. One deadline for all of a call: breaker, then
 * attempts (reads alone are tried again), each by its turn in the bulkhead.
 *
 * Not cockatiel: its half-open breaker lets others wait for the probe, where they are to be refused at once; its
 * bulkhead keeps those who left; and its clocks are not to be passed in.
 */
export const createResilience = (options: ResilienceOptions) => {
  const { transport, now, random = Math.random, sleep = sleepForReal, createDeadline = deadlineByTimer } = options;
  const { onOpen } = options;
  const monotonicNow = options.monotonicNow ?? (() => performance.now());
  const breakers = new Map<string, Breaker>();
  const inTurn = createBulkhead(slots);
  const budget = createRetryBudget();

  const breakerOf = (name: string): Breaker => {
    const breaker = breakers.get(name) ?? createBreaker({ monotonicNow, onOpen: () => onOpen?.(name) });
    breakers.set(name, breaker);
    return breaker;
  };

  /** Milliseconds before a new attempt, with full jitter, never before the service asks for it; null for none. */
  const waitBeforeRetry = (outcome: Answer | AppError, retries: number, untilMs: number): number | null => {
    const isRetryable =
      outcome instanceof AppError
        ? outcome.upstream === 'unreachable' || outcome.upstream === 'hung_up'
        : retryableStatuses.has(outcome.status);
    if (!isRetryable || retries >= maxRetries) return null;
    const askedForSeconds = outcome instanceof AppError ? 0 : (retryAfterOf(outcome, now()) ?? 0);
    const waitMs = askedForSeconds * 1000 + random() * firstBackoffMs * 2 ** retries;
    // No attempt that the deadline would end before it began.
    return monotonicNow() + waitMs < untilMs && budget.spend() ? waitMs : null;
  };

  const attempt = (endpoint: Endpoint, exchange: Exchange, signal: AbortSignal): Promise<Answer | AppError> =>
    inTurn(() => transport.request(endpoint, { ...exchange, signal }), {
      source: sourceOf(exchange).name,
      signal,
      onWait: exchange.onWait,
      onBegin: exchange.onBegin,
    }).catch((error: unknown) => {
      if (isAppError(error)) return error;
      throw error;
    });

  const attempts = async (endpoint: Endpoint, exchange: Exchange, signal: AbortSignal, untilMs: number) => {
    budget.earn();
    for (let retries = 0; ; retries += 1) {
      const outcome = await attempt(endpoint, exchange, signal);
      const waitMs = endpoint.isRead ? waitBeforeRetry(outcome, retries, untilMs) : null;
      if (waitMs === null) return outcome;
      await sleep(waitMs, signal);
    }
  };

  /** Why a call has no outcome: there was no room, or none before its deadline or its caller's end. */
  const toError = (error: unknown): unknown =>
    error instanceof BulkheadFull || (error instanceof Error && /^(TimeoutError|AbortError)$/.test(error.name))
      ? new AppError('overloaded', { cause: error, retryAfterSeconds: 1 })
      : error;

  return {
    /** As the transport's. Also `auth_service_unavailable` while the endpoint's breaker is open, and `overloaded`. */
    async request(endpoint: Endpoint, exchange: Exchange = {}): Promise<Answer> {
      const source = sourceOf(exchange);
      const entry = breakerOf(endpoint.name).enter(source);
      if ('retryAfterMs' in entry) {
        const retryAfterSeconds = Math.max(1, Math.ceil(entry.retryAfterMs / 1000));
        throw new AppError('auth_service_unavailable', { cause: `${endpoint.name} is not asked`, retryAfterSeconds });
      }
      let how: CallEnd = 'abandoned';
      let blamed: CallSource | null = source;
      try {
        const timeout = createDeadline(endpoint.deadlineMs);
        const signal = exchange.signal === undefined ? timeout : AbortSignal.any([timeout, exchange.signal]);
        const outcome = await attempts(endpoint, exchange, signal, monotonicNow() + endpoint.deadlineMs);
        if (!(outcome instanceof AppError)) {
          how = isFailure(outcome) ? 'failed' : isRateLimited(outcome) ? 'rate_limited' : 'good';
          return outcome;
        }
        if (exchange.signal?.aborted !== true) how = outcome.reason === 'auth_service_unavailable' ? 'failed' : 'good';
        // No source keeps a connection from being made; and a person's token may make the service hang.
        if (outcome.upstream === 'unreachable' || !source.isVerified) blamed = null;
        throw outcome;
      } catch (error) {
        throw toError(error);
      } finally {
        entry.end(how, blamed);
      }
    },
    /** The service is back: endpoints whose breakers are open are asked again, each by one call. */
    recover(): void {
      for (const breaker of breakers.values()) breaker.recover();
    },
    /** The breaker's state of each endpoint that was asked so far. */
    *breakerStates(): Generator<[endpoint: string, state: BreakerState]> {
      for (const [endpoint, breaker] of breakers) yield [endpoint, breaker.state()];
    },
  };
};

export type Resilience = ReturnType<typeof createResilience>;
