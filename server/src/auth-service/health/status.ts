import type { Status } from '@auth-bff/shared';
import type { AuthServiceHealth } from './health.ts';
import type { Directory } from '../../directory/directory.ts';

export type StatusOptions = {
  health: AuthServiceHealth;
  directory: Pick<Directory, 'staleness'>;
  probe: () => Promise<void>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** How long a stale answer says that the service is in trouble, where nothing else does. */
const staleTellsForMs = 10_000;

/** The status that callers were last given, and when that was: milliseconds since the epoch. */
export type Reported = { authService: Status['authService']; sinceMs: number; atMs: number };

export type Observed = Pick<Reported, 'authService' | 'sinceMs'>;

/**
 * The next status to report. An unchanged state keeps its `since`. A changed state begins when it was observed, but not
 * before callers last saw the state that it replaces: its sources count from different events, and would go back.
 */
export const nextReport = (last: Reported | null, observed: Observed, nowMs: number): Reported => {
  if (last === null) return { ...observed, atMs: nowMs };
  const { authService } = observed;
  if (authService === last.authService) return { ...last, atMs: nowMs };
  // A system clock that was set back must not move `since` back either, nor put it into the future.
  const lastSeenMs = Math.min(last.atMs, nowMs);
  return { authService, sinceMs: Math.max(last.sinceMs, observed.sinceMs, lastSeenMs), atMs: nowMs };
};

/** How the Auth Service is to those who ask us: `degraded` where they are answered from what is still known. */
export const createStatus = ({ health, directory, probe, now }: StatusOptions) => {
  let reported: Reported | null = null;

  const observe = (status: Status): Observed => {
    const observed = { authService: status.authService, sinceMs: status.since.getTime() };
    const staleness = directory.staleness();
    if (staleness === null) return observed;
    if (status.authService === 'down') return { ...observed, authService: 'degraded' };
    const isTelling = now() - staleness.lastMs < staleTellsForMs;
    return isTelling ? { authService: 'degraded', sinceMs: staleness.sinceMs } : observed;
  };

  const report = (status: Status): Status => {
    reported = nextReport(reported, observe(status), now());
    return { authService: reported.authService, since: new Date(reported.sinceMs) };
  };

  return {
    /** As the last calls tell. Asks nobody. */
    current: (): Status => report(health.current()),
    /** Looks for itself where no call has told lately. */
    look: async (): Promise<Status> => report(await health.look(probe)),
  };
};
