import type { Status } from '@auth-bff/shared';
import type { CallOutcome } from '../transport.ts';

export type AuthServiceHealthOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Told when the service is called down. */
  onDown?: () => void;
};

/** Failed calls in a row after which the service is called down. */
const failuresToDown = 3;
/** How long what was seen last is taken for what is. */
const freshForMs = 5_000;

/** How the Auth Service is, from how its calls end. */
export const createAuthServiceHealth = ({ now, onDown }: AuthServiceHealthOptions) => {
  let authService: 'up' | 'down' = 'up';
  let sinceMs = now();
  let lastSeenMs = Number.NEGATIVE_INFINITY;
  let isLastFailed = false;
  let failuresInARow = 0;
  let probeUnderWay: Promise<void> | null = null;

  const change = (next: 'up' | 'down') => {
    if (authService === next) return;
    authService = next;
    sinceMs = now();
    if (next === 'down') onDown?.();
  };

  const current = (): Status => ({ authService, since: new Date(sinceMs) });

  return {
    current,
    isDown: () => authService === 'down',
    /** The service does not answer, as somebody has found out who asked with nobody's token. */
    markDown: () => change('down'),
    record({ outcome, status }: Pick<CallOutcome, 'outcome' | 'status'>): void {
      if (outcome === 'abandoned') return;
      lastSeenMs = now();
      isLastFailed = outcome === 'unavailable';
      if (!isLastFailed) {
        failuresInARow = 0;
        change('up');
      } else if (status !== 500) {
        // A 500 may be the fault of one person's token, whose calls must not tell everybody that the service is down.
        failuresInARow += 1;
        if (failuresInARow >= failuresToDown) change('down');
      }
    },
    /** Looks for itself with `probe` where no call has told lately, or where the last call failed. */
    async look(probe: () => Promise<void>): Promise<Status> {
      const isFresh = now() - lastSeenMs < freshForMs && (!isLastFailed || authService === 'down');
      if (!isFresh) {
        probeUnderWay ??= probe()
          .then(
            () => {},
            // A failure of a call that carries nobody's token: that is the service, not a person.
            () => change('down'),
          )
          .finally(() => {
            probeUnderWay = null;
          });
        await probeUnderWay;
      }
      return current();
    },
  };
};

export type AuthServiceHealth = ReturnType<typeof createAuthServiceHealth>;
