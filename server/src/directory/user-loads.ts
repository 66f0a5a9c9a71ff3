import type { AuthServiceClient } from '../auth-service/client.ts';
import { createBulkhead } from '../auth-service/resilience/bulkhead.ts';
import { sourceNameOf } from '../auth-service/resilience/call-source.ts';
import type { Caller } from '../auth-service/caller.ts';
import type { UserRecord } from '../auth-service/wire-user.ts';
import { AppError, isAppError } from '../errors.ts';
import { createBulkLookupProbe } from './bulk-lookup-probe.ts';
import type { LoadResults, QueueEventsOf } from './shared-loads.ts';

export type UserLoadsOptions = {
  authService: Pick<AuthServiceClient, 'user' | 'users'>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

type UserResults = LoadResults<number, UserRecord>;
type LoadUsers = (ids: readonly number[], caller: Caller, queueEventsOf: QueueEventsOf<number>) => Promise<UserResults>;

/** Concurrent requests of one person. Further requests are queued here, before their deadlines start. */
const requestsPerPerson = 16;

const firstFound = (results: UserResults): UserRecord | undefined => {
  for (const result of results.values()) if (!(result instanceof AppError)) return result;
  return undefined;
};

const toSlot = (caller: Caller) => ({
  source: sourceNameOf(caller),
  signal: caller.signal,
  onQueued: caller.onQueued,
});

/** For background requests, which outlive the request that starts them. */
const detach = (caller: Caller): Caller => ({
  ...caller,
  signal: undefined,
  onQueued: undefined,
  onAdmitted: undefined,
});

const toResult = (error: unknown): AppError => {
  if (isAppError(error)) return error;
  throw error;
};

/** Loads users one by one, or in bulk where that is as complete (`bulk-lookup-probe.ts`). */
export const createUserLoads = ({ authService, now }: UserLoadsOptions) => {
  const probe = createBulkLookupProbe({ now });
  /** The first probe of each person. Their other complete loads wait for its result. */
  const firstProbes = new Map<string, Promise<unknown>>();
  const runInBulkhead = createBulkhead({ limitPerSource: requestsPerPerson });

  const loadSingle = (id: number, caller: Caller): Promise<UserRecord> =>
    runInBulkhead(() => authService.user(id, caller), toSlot(caller));

  const loadOneByOne: LoadUsers = async (ids, caller, queueEventsOf) => {
    const entries = await Promise.all(
      ids.map(async (id): Promise<[number, UserRecord | AppError]> => {
        const result = await loadSingle(id, { ...caller, ...queueEventsOf([id]) }).catch(toResult);
        return [id, result];
      }),
    );
    return new Map(entries);
  };

  const loadBulk = (ids: readonly number[], caller: Caller): Promise<UserResults> =>
    runInBulkhead(() => authService.users(ids, caller), toSlot(caller));

  const loadBulkAndProbe = async (ids: readonly number[], caller: Caller): Promise<UserResults> => {
    const results = await loadBulk(ids, caller);
    const bulk = firstFound(results);
    if (bulk !== undefined && probe.isDue()) {
      probe.runInBackground(async () => ({ bulk, single: await loadSingle(bulk.user.id, detach(caller)) }));
    }
    return results;
  };

  const loadOneByOneAndProbe: LoadUsers = async (ids, caller, queueEventsOf) => {
    const results = await loadOneByOne(ids, caller, queueEventsOf);
    const single = firstFound(results);
    if (single !== undefined && probe.isDue()) {
      probe.runInBackground(async () => ({
        bulk: firstFound(await loadBulk([single.user.id], detach(caller))),
        single,
      }));
    }
    return results;
  };

  /** Loads in bulk, then one of the users on its own. If bulk proves incomplete, loads the others one by one as well. */
  const loadAndProbe: LoadUsers = async (ids, caller, queueEventsOf) => {
    const results = await loadBulk(ids, caller);
    const bulk = firstFound(results);
    if (bulk === undefined) return results;
    const { id } = bulk.user;
    const single = await loadSingle(id, { ...caller, ...queueEventsOf([id]) }).catch((error: unknown) => {
      // These errors concern this user only. Others are an outage or the end of the caller's session.
      if (isAppError(error, 'user_not_found', 'insufficient_permissions', 'auth_service_contract')) return error;
      throw error;
    });
    results.set(id, single);
    if (!(single instanceof AppError)) probe.compare(bulk, single);
    if (probe.isComplete() === true) return results;
    const rest = ids.filter((other) => other !== id && results.has(other));
    for (const [other, result] of await loadOneByOne(rest, caller, queueEventsOf)) results.set(other, result);
    return results;
  };

  const loadFirst: LoadUsers = async (ids, caller, queueEventsOf) => {
    const source = sourceNameOf(caller);
    const firstProbe = loadAndProbe(ids, caller, queueEventsOf);
    firstProbes.set(source, firstProbe);
    try {
      return await firstProbe;
    } finally {
      if (firstProbes.get(source) === firstProbe) firstProbes.delete(source);
    }
  };

  const loadComplete: LoadUsers = async (ids, caller, queueEventsOf) => {
    const firstProbe = firstProbes.get(sourceNameOf(caller));
    if (firstProbe !== undefined) {
      // Counts as queued, so that other callers of these ids do not wait for this person's probe.
      caller.onQueued?.();
      await firstProbe.catch(() => {});
    }
    const isBulkComplete = probe.isComplete();
    if (isBulkComplete === null) return loadFirst(ids, caller, queueEventsOf);
    return isBulkComplete ? loadBulkAndProbe(ids, caller) : loadOneByOneAndProbe(ids, caller, queueEventsOf);
  };

  const loadOneByOneIfNoBulk: LoadUsers = (ids, caller, queueEventsOf) =>
    loadComplete(ids, caller, queueEventsOf).catch((error: unknown) => {
      // The service has no bulk lookup.
      if (!isAppError(error, 'auth_service_contract')) throw error;
      probe.markIncomplete();
      return loadOneByOne(ids, caller, queueEventsOf);
    });

  /** All fields that the service reports for each user. `ids` must fit into one request. */
  const complete: LoadUsers = (ids, caller, queueEventsOf) =>
    ids.length === 1 ? loadOneByOne(ids, caller, queueEventsOf) : loadOneByOneIfNoBulk(ids, caller, queueEventsOf);

  return {
    /** False while unknown. */
    isBulkComplete: (): boolean => probe.isComplete() === true,
    /** Whether the record has all fields that the service reports for the user. */
    isComplete: ({ source }: UserRecord): boolean => source === 'single' || probe.isComplete() === true,
    complete,
    /** In one request, complete or not. */
    bulk: loadBulkAndProbe,
  };
};
