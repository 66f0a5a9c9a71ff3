import type { UserRecord } from '../auth-service/wire-user.ts';

export type BulkLookupProbeOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** One user, loaded both ways. `bulk` is undefined if the bulk lookup did not return the user. */
export type BothRecords = { bulk: UserRecord | undefined; single: UserRecord };

const repeatAfterMs = 5 * 60_000;

/**
 * Finds out whether bulk lookups are complete, that is, whether they report every field that a lookup of a single user
 * reports. It compares both records of one user, and repeats that every 5 minutes, because services differ and change.
 */
export const createBulkLookupProbe = ({ now }: BulkLookupProbeOptions) => {
  let result: { isComplete: boolean; atMs: number } | null = null;
  let isRunning = false;

  const record = (isComplete: boolean): void => {
    result = { isComplete, atMs: now() };
  };
  const compare = (bulk: UserRecord, single: UserRecord): void =>
    record([...single.reported].every((field) => bulk.reported.has(field)));

  const run = async (load: () => Promise<BothRecords>): Promise<void> => {
    isRunning = true;
    try {
      const { bulk, single } = await load();
      if (bulk !== undefined) compare(bulk, single);
    } catch {
      // A failed lookup proves nothing. The next lookup after this one repeats the probe.
    } finally {
      isRunning = false;
    }
  };

  return {
    compare,
    /** Null before the first result. */
    isComplete: (): boolean | null => result?.isComplete ?? null,
    /** The service has no bulk lookup. */
    markIncomplete: (): void => record(false),
    isDue: (): boolean => !isRunning && (result === null || now() - result.atMs >= repeatAfterMs),
    /** Compares both records of one user in the background. Errors are ignored. */
    runInBackground: (load: () => Promise<BothRecords>): void => void run(load),
  };
};
