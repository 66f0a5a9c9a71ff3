import type { Status } from '@auth-bff/shared';
import type { AuthServiceHealth } from './auth-service/health.ts';
import type { Directory } from './directory/directory.ts';

export type StatusOptions = {
  health: AuthServiceHealth;
  directory: Pick<Directory, 'staleness'>;
  probe: () => Promise<void>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** How long a stale answer says that the service is in trouble, where nothing else does. */
const staleTellsForMs = 10_000;

/** How the Auth Service is to those who ask us: `degraded` where they are answered from what is still known. */
export const createStatus = ({ health, directory, probe, now }: StatusOptions) => {
  const degrade = (status: Status): Status => {
    const staleness = directory.staleness();
    if (staleness === null) return status;
    if (status.authService === 'down') return { ...status, authService: 'degraded' };
    const isTelling = now() - staleness.lastMs < staleTellsForMs;
    return isTelling ? { authService: 'degraded', since: new Date(staleness.sinceMs) } : status;
  };
  return {
    /** As the last calls tell. Asks nobody. */
    current: (): Status => degrade(health.current()),
    /** Looks for itself where no call has told lately. */
    look: async (): Promise<Status> => degrade(await health.look(probe)),
  };
};
