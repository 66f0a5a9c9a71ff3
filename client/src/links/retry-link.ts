import type { TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';
import { observable, type Unsubscribable } from '@trpc/server/observable';
import { abortable } from '../abortable.ts';
import type { Clock } from '../clock.ts';
import { errorData, reasonOf, toCallError } from '../errors.ts';

export type RetryOptions = {
  /** Maximum number of retries of one query. Default: 3. */
  attempts?: number;
  /** Maximum delay before the first retry, in milliseconds. Doubles with each retry. Default: 500. */
  baseDelayMs?: number;
  /** Maximum delay in milliseconds. A query whose `retryAfterSeconds` is longer is not retried. Default: 10,000. */
  maxDelayMs?: number;
  /** Retries of all queries together. Every five successful calls add one, up to this number. Default: 20. */
  budget?: number;
};

const successesPerRetry = 5;

/**
 * Retries queries after `SERVICE_UNAVAILABLE` and network failures, with exponential back-off, full jitter and the server's
 * `retryAfterSeconds`. Never retries mutations. All queries share one retry budget, so that an outage does not multiply
 * the load.
 */
export const retryLink = <Router extends AnyRouter>(
  { attempts = 3, baseDelayMs = 500, maxDelayMs = 10_000, budget = 20 }: RetryOptions,
  { clock, random }: { clock: Clock; random: () => number },
): TRPCLink<Router> => {
  /** Counted in successes, so that it is an integer. */
  let remaining = budget * successesPerRetry;

  /** Milliseconds until the next attempt. Null: no retry. */
  const delayBefore = (attempt: number, error: unknown): number | null => {
    const data = errorData(error);
    const isRetryable = reasonOf(error) === 'network' || data?.code === 'SERVICE_UNAVAILABLE';
    if (!isRetryable || attempt > attempts || remaining < successesPerRetry) return null;
    const retryAfterMs = (data?.retryAfterSeconds ?? 0) * 1000;
    if (retryAfterMs > maxDelayMs) return null;
    remaining -= successesPerRetry;
    return retryAfterMs + random() * Math.min(maxDelayMs - retryAfterMs, baseDelayMs * 2 ** (attempt - 1));
  };

  return () =>
    ({ op, next }) =>
      observable((observer) => {
        let current: Unsubscribable | null = null;
        let timer: unknown = null;
        let isUnsubscribed = false;
        const sendAfter = async (delayMs: number, attempt: number) => {
          const delay = new Promise<void>((resolve) => {
            timer = clock.setTimeout(resolve, delayMs);
          });
          try {
            await abortable(delay, op.signal);
            if (!isUnsubscribed) send(attempt);
          } catch (cause) {
            if (!isUnsubscribed) observer.error(toCallError(cause, op.signal));
          }
        };
        const send = (attempt: number) => {
          current = next(op).subscribe({
            next(envelope) {
              remaining = Math.min(budget * successesPerRetry, remaining + 1);
              observer.next(envelope);
            },
            error(error) {
              const isQuery = op.type === 'query' && !op.signal?.aborted;
              const delayMs = isQuery ? delayBefore(attempt, error) : null;
              if (delayMs === null) observer.error(error);
              else void sendAfter(delayMs, attempt + 1);
            },
            complete: () => observer.complete(),
          });
        };
        send(1);
        return () => {
          isUnsubscribed = true;
          clock.clearTimeout(timer);
          current?.unsubscribe();
        };
      });
};
