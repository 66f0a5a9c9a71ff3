import { ServiceAccountError } from '../auth-service/calling-service.ts';
import type { QueueEvents } from '../auth-service/resilience/bulkhead.ts';
import { type Caller, callerNameOf, personOf } from '../auth-service/caller.ts';
import { AppError, asAppError, isAppError } from '../errors.ts';
import {
  createInFlightLoads,
  createLoad,
  type Load,
  type LoadIdentity,
  moveWaiter,
  rejectPerson,
  settleWaiters,
} from './in-flight-loads.ts';
import { createLoadReader, type LoadReader } from './load-reader.ts';
import type { PerCallerKeys } from './per-caller-keys.ts';

/** One outcome per key. A key that is absent does not exist. */
export type LoadResults<Key, Value> = Map<Key, Value | AppError>;

/** Creates the queue events of a request that loads only these keys. */
export type QueueEventsOf<Key> = (keys: readonly Key[]) => QueueEvents;

export type SharedLoadsOptions<Key extends string | number, Value> = {
  /**
   * Loads the keys with the caller's token. An exception is the outcome of every key. The caller's queue events stand for
   * one request with all keys; `queueEventsOf` creates those of smaller requests.
   */
  load: (keys: Key[], caller: Caller, queueEventsOf: QueueEventsOf<Key>) => Promise<LoadResults<Key, Value>>;
  /** Creates the error of a key that is absent from the results. */
  notFound: () => AppError;
  /** Runs once for each outcome that all callers may share. */
  onOutcome?: (key: Key, outcome: Value | AppError) => void;
  perCallerKeys: PerCallerKeys<Key>;
  /** Runs for each caller that joins a load in flight. */
  onJoin?: ((requestId: string | undefined) => void) | undefined;
  /** Keys per request. Default 1. */
  maxKeys?: number;
};

/** Identifies the caller. Unverified tokens prove no identity, so the address is part of the name. */
const personNameOf = (caller: Caller): string =>
  caller.isUnverified === true ? `unverified ${personOf(caller)} at ${caller.address}` : callerNameOf(caller);

/** The partition of all callers. For a per-caller key, each person has their own partition. */
const sharedPartition = '';

/** Concerns one caller only: their token is refused, their share of the bulkhead is full, or a service has no session. */
const isRefusal = (error: AppError): boolean =>
  error instanceof ServiceAccountError || isAppError(error, 'session_ended', 'insufficient_permissions', 'overloaded');
/** Also a 500, which the token of a deleted person causes, and a 429, which one person's calls cause. */
const mayConcernPerson = (error: AppError) => isRefusal(error) || error.upstream === 500 || error.upstream === 429;

/** Groups loads into requests: by partition, separate loads also by person, and at most `maxKeys` per request. */
const toRequests = <Key, Value>(loads: ReadonlyArray<Load<Key, Value>>, maxKeys: number): Load<Key, Value>[][] => {
  const groups = new Map<string, Load<Key, Value>[]>();
  for (const load of loads) {
    const name = load.isSeparate ? `${load.partition} of ${load.person}` : load.partition;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [load]);
    else group.push(load);
  }
  return [...groups.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / maxKeys) }, (_, index) =>
      group.slice(index * maxKeys, (index + 1) * maxKeys),
    ),
  );
};

/**
 * Single-flight loads: callers that request the same key share one load, and keys requested in the same tick share one
 * request.
 *
 * A load uses the token of one of its waiters. If that token is refused, only this person is rejected, and the load is
 * repeated with the token of another waiter. A waiter whose `signal` aborts leaves alone. The load is cancelled when the
 * last one has left.
 *
 * A load also uses the bulkhead share of that person. While it is queued there, every other person gets their own load.
 * The first load that is admitted answers all of them.
 */
export const createSharedLoads = <Key extends string | number, Value>(options: SharedLoadsOptions<Key, Value>) => {
  type KeyLoad = Load<Key, Value>;
  const { load: loadKeys, notFound, onOutcome, perCallerKeys, onJoin, maxKeys = 1 } = options;
  const inFlight = createInFlightLoads<Key, Value>();
  let scheduled: KeyLoad[] = [];

  const flush = (): void => {
    const loads = scheduled;
    scheduled = [];
    for (const request of toRequests(loads, maxKeys)) void run(request);
  };

  const start = (identity: LoadIdentity<Key>): KeyLoad => {
    const load = createLoad<Key, Value>(identity);
    inFlight.add(load);
    // Runs after the microtasks of this tick, so that all calls of a batch are in one request.
    if (scheduled.push(load) === 1) setImmediate(flush);
    return load;
  };

  const settle = (load: KeyLoad, outcome: Value | AppError): void => {
    if (isAppError(outcome, 'insufficient_permissions')) perCallerKeys.add(load.key);
    inFlight.remove(load);
    const isShared = load.partition === sharedPartition && !perCallerKeys.has(load.key) && !load.isOutdated;
    if (isShared) onOutcome?.(load.key, outcome);
    settleWaiters(load, outcome);
    if (!isShared || outcome instanceof AppError) return;
    for (const other of inFlight.of(load)) {
      settleWaiters(other, outcome);
      inFlight.removeIfUnused(other);
    }
  };

  /** Other persons continue without this load. */
  const onQueued = (load: KeyLoad): void => {
    load.isQueued = true;
    load.wasQueued = true;
    for (const waiter of load.waiters) {
      const { person } = waiter;
      if (person === load.person) continue;
      const loads = inFlight.of(load);
      const admitted = loads.find(({ wasAdmitted, isQueued }) => wasAdmitted && !isQueued);
      const target = admitted ?? loads.find((other) => other.person === person);
      moveWaiter(waiter, target ?? start({ ...load, person, isSeparate: true }));
    }
    inFlight.removeIfUnused(load);
  };

  /** Waiters of loads that were never admitted join this one. */
  const onAdmitted = (load: KeyLoad): void => {
    load.isQueued = false;
    load.wasAdmitted = true;
    if (load.waiters.size === 0 || load.isOutdated) return;
    for (const other of inFlight.of(load)) {
      if (other === load || other.wasAdmitted) continue;
      for (const waiter of other.waiters) moveWaiter(waiter, load);
      inFlight.removeIfUnused(other);
    }
  };

  const loadAs = async (caller: Caller, loads: readonly KeyLoad[]): Promise<LoadResults<Key, Value>> => {
    const abort = new AbortController();
    const onUnused = () => {
      if (loads.every(({ waiters }) => waiters.size === 0)) abort.abort();
    };
    const person = personNameOf(caller);
    for (const load of loads) {
      load.person = person;
      load.isQueued = false;
      load.wasQueued = false;
      load.wasAdmitted = false;
      load.onUnused = onUnused;
    }
    const keys = loads.map(({ key }) => key);
    const queueEventsOf: QueueEventsOf<Key> = (some) => {
      const concerned = some.length === keys.length ? loads : loads.filter(({ key }) => some.includes(key));
      return { onQueued: () => concerned.forEach(onQueued), onAdmitted: () => concerned.forEach(onAdmitted) };
    };
    try {
      return await loadKeys(keys, { ...caller, ...queueEventsOf(keys), signal: abort.signal }, queueEventsOf);
    } catch (error) {
      const outcome = asAppError(error);
      return new Map(loads.map(({ key }) => [key, outcome]));
    }
  };

  /** Whether another person's token may have a better outcome. */
  const isPersonal = ({ partition, wasQueued }: KeyLoad, error: AppError): boolean => {
    if (partition !== sharedPartition) return false;
    // A queued load may have used up most of its deadline in that person's share.
    return mayConcernPerson(error) || (wasQueued && isAppError(error, 'auth_service_unavailable'));
  };

  /** Rejects this person. Returns whether the load has other waiters to repeat it for. */
  const failPerson = (load: KeyLoad, person: string, error: AppError): boolean => {
    if (isAppError(error, 'insufficient_permissions')) perCallerKeys.add(load.key);
    return rejectPerson(load, person, error);
  };

  /** Repeats a load for each refusal, but only once for another failure. */
  const run = async (loads: readonly KeyLoad[]): Promise<void> => {
    let mayRetryFailure = true;
    let pending = loads;
    for (;;) {
      pending = pending.filter(({ waiters }) => waiters.size > 0);
      const [waiter] = pending[0]?.waiters ?? [];
      if (waiter === undefined) return;
      const results = await loadAs(waiter.caller, pending);
      const retries: KeyLoad[] = [];
      let hasRetriedFailure = false;
      for (const load of pending) {
        const outcome = results.get(load.key) ?? notFound();
        const error = outcome instanceof AppError && isPersonal(load, outcome) ? outcome : null;
        const mayRetry = error !== null && (isRefusal(error) || mayRetryFailure);
        if (!mayRetry || !failPerson(load, waiter.person, error)) {
          settle(load, outcome);
          continue;
        }
        retries.push(load);
        hasRetriedFailure ||= !isRefusal(error);
      }
      if (hasRetriedFailure) mayRetryFailure = false;
      pending = retries;
    }
  };

  const readerOf = (caller: Caller): LoadReader<Key, Value> => {
    const person = personNameOf(caller);
    const join = (key: Key): KeyLoad => {
      const partition = perCallerKeys.has(key) ? person : sharedPartition;
      const address = { partition, key };
      const joined = inFlight.findJoinable(address, person);
      if (joined === undefined) return start({ partition, key, person, isSeparate: inFlight.has(address) });
      onJoin?.(caller.requestId);
      return joined;
    };
    return createLoadReader({ caller, person, inFlight, join });
  };

  return {
    /** The value has changed: later callers do not join the loads in flight, whose results are not stored. */
    outdate(key: Key): void {
      for (const load of inFlight.of({ partition: sharedPartition, key })) {
        load.isOutdated = true;
        inFlight.remove(load);
      }
    },

    /** Reads several keys of one caller at a lower cost than `load`. */
    readerOf,

    /** Loads one key. Rejects with the error of the load, or with the reason of the caller's signal. */
    load: (key: Key, caller: Caller): Promise<Value> =>
      new Promise((resolve, reject) => readerOf(caller).read(key, { resolve, reject })),
  };
};

export type SharedLoads<Key extends string | number, Value> = ReturnType<typeof createSharedLoads<Key, Value>>;
