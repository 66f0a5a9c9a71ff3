import type { TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';
import { observable, type Unsubscribable } from '@trpc/server/observable';
import { abortable } from '../abortable.ts';
import type { Clock } from '../clock.ts';
import { dataOf, reasonOf, waitFailed } from '../errors.ts';

export type RetryOptions = {
  /** How often a query is tried again, at most. Default 3. */
  attempts?: number;
  /** Milliseconds before the first new attempt, at most; doubled for each one after it. Default 500. */
  baseDelayMs?: number;
  /** Milliseconds of any wait, at most; a server that asks for more gets no new attempt. Default 10,000. */
  maxDelayMs?: number;
  /** New attempts of all queries together, before successes earn more: one for each five. Default 20. */
  budget?: number;
};

const successesPerAttempt = 5;

/**
 * Tries queries again where the service is unavailable or the network failed: after a random part of a delay that
 * doubles (full jitter), never before the server's `retryAfterSeconds`. Mutations are never tried again. The budget
 * is shared, so that a page of fifty queries does not become two hundred.
 */
export const retryLink = <Router extends AnyRouter>(
  { attempts = 3, baseDelayMs = 500, maxDelayMs = 10_000, budget = 20 }: RetryOptions,
  { clock, random }: { clock: Clock; random: () => number },
): TRPCLink<Router> => {
  /** In successes, which are whole. */
  let left = budget * successesPerAttempt;

  /** Milliseconds until the next attempt; null for none. */
  const delayBefore = (attempt: number, error: unknown): number | null => {
    const reason = reasonOf(error);
    const code = dataOf(error)?.code;
    if (attempt > attempts || left < successesPerAttempt || (reason !== 'network' && code !== 'SERVICE_UNAVAILABLE'))
      return null;
    const askedForMs = (dataOf(error)?.retryAfterSeconds ?? 0) * 1000;
    if (askedForMs > maxDelayMs) return null;
    left -= successesPerAttempt;
    return askedForMs + random() * Math.min(maxDelayMs - askedForMs, baseDelayMs * 2 ** (attempt - 1));
  };

  return () =>
    ({ op, next }) =>
      observable((observer) => {
        let current: Unsubscribable | null = null;
        let timer: unknown = null;
        let isGone = false;
        const sendAfter = async (delayMs: number, attempt: number) => {
          const delay = new Promise<void>((resolve) => {
            timer = clock.setTimeout(resolve, delayMs);
          });
          try {
            await abortable(delay, op.signal);
            if (!isGone) send(attempt);
          } catch (cause) {
            if (!isGone) observer.error(waitFailed(cause, op.signal));
          }
        };
        const send = (attempt: number) => {
          current = next(op).subscribe({
            next(envelope) {
              left = Math.min(budget * successesPerAttempt, left + 1);
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
          isGone = true;
          clock.clearTimeout(timer);
          current?.unsubscribe();
        };
      });
};
