import type { Status } from '@auth-bff/shared';
import type { Directory } from '../../directory/directory.ts';
import type { AuthServiceHealth } from './health.ts';

export type StatusOptions = {
  health: AuthServiceHealth;
  directory: Pick<Directory, 'staleness'>;
  probe: () => Promise<void>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** After a stale directory answer, the service counts as degraded for this time. */
const staleAnswerMs = 10_000;

/** The last reported status and its time, in milliseconds since the epoch. */
export type Reported = { authService: Status['authService']; sinceMs: number; atMs: number };

export type Observed = Pick<Reported, 'authService' | 'sinceMs'>;

/**
 * The next status to report. An unchanged state keeps its `since`. A changed state begins when it was observed, but not
 * before callers last saw the previous state: the sources of the states count from different events, so `since` could
 * otherwise go back.
 */
export const nextReport = (last: Reported | null, observed: Observed, nowMs: number): Reported => {
  if (last === null) return { ...observed, atMs: nowMs };
  const { authService } = observed;
  if (authService === last.authService) return { ...last, atMs: nowMs };
  // After the system clock was set back, `since` must neither go back nor lie in the future.
  const lastSeenMs = Math.min(last.atMs, nowMs);
  return { authService, sinceMs: Math.max(last.sinceMs, observed.sinceMs, lastSeenMs), atMs: nowMs };
};

/** The status that callers see. `degraded` means that the BFF answers from stale cache entries. */
export const createStatus = ({ health, directory, probe, now }: StatusOptions) => {
  let reported: Reported | null = null;

  const observe = (status: Status): Observed => {
    const observed = { authService: status.authService, sinceMs: status.since.getTime() };
    const staleness = directory.staleness();
    if (staleness === null) return observed;
    if (status.authService === 'down') return { ...observed, authService: 'degraded' };
    const isRecent = now() - staleness.lastMs < staleAnswerMs;
    return isRecent ? { authService: 'degraded', sinceMs: staleness.sinceMs } : observed;
  };

  const report = (status: Status): Status => {
    reported = nextReport(reported, observe(status), now());
    return { authService: reported.authService, since: new Date(reported.sinceMs) };
  };

  return {
    /** Derived from past calls. Makes no call. */
    current: (): Status => report(health.current()),
    /** Probes the service if there is no recent call result. */
    check: async (): Promise<Status> => report(await health.check(probe)),
  };
};
