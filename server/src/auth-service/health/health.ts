import type { Status } from '@auth-bff/shared';
import type { CallOutcome } from '../transport.ts';

export type AuthServiceHealthOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The state has changed to down. */
  onDown?: () => void;
};

const failuresUntilDown = 3;
/** A call result is current for this time. */
const freshForMs = 5_000;

/** Derives the state of the Auth Service from the results of its calls. It is unknown before the first one. */
export const createAuthServiceHealth = ({ now, onDown }: AuthServiceHealthOptions) => {
  let authService: 'unknown' | 'up' | 'down' = 'unknown';
  let sinceMs = now();
  let lastResultMs = Number.NEGATIVE_INFINITY;
  let hasLastFailed = false;
  let failuresInARow = 0;
  let activeProbe: Promise<void> | null = null;

  const change = (next: 'up' | 'down') => {
    if (authService === next) return;
    authService = next;
    sinceMs = now();
    if (next === 'down') onDown?.();
  };

  const current = (): Status => ({ authService, since: new Date(sinceMs) });

  const probeOnce = (probe: () => Promise<void>): Promise<void> => {
    activeProbe ??= probe()
      .then(
        () => {},
        // The probe sends no token, so the failure is the service's own.
        () => change('down'),
      )
      .finally(() => {
        activeProbe = null;
      });
    return activeProbe;
  };

  return {
    current,
    isDown: () => authService === 'down',
    /** A probe without a token has failed. */
    markDown: () => change('down'),
    record({ outcome, status }: Pick<CallOutcome, 'outcome' | 'status'>): void {
      if (outcome === 'abandoned') return;
      lastResultMs = now();
      hasLastFailed = outcome === 'unavailable';
      if (!hasLastFailed) {
        failuresInARow = 0;
        return change('up');
      }
      // One person's token can cause a 500, for example if the person was deleted. That does not make the service down.
      if (status === 500) return;
      failuresInARow += 1;
      if (failuresInARow >= failuresUntilDown) change('down');
    },
    /** Calls `probe`, and shares it with concurrent checks. Never rejects. */
    probe: probeOnce,
    /** Calls `probe` if there is no recent call result, or if the last call failed. Concurrent checks share one probe. */
    async check(probe: () => Promise<void>): Promise<Status> {
      const isFresh = now() - lastResultMs < freshForMs && (!hasLastFailed || authService === 'down');
      if (isFresh) return current();
      await probeOnce(probe);
      return current();
    },
  };
};

export type AuthServiceHealth = ReturnType<typeof createAuthServiceHealth>;
