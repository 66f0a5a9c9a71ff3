import type { Caller } from '../auth-service/caller.ts';
import { AppError } from '../errors.ts';

/** Takes the outcome of one read: a promise, or an entry of a list. */
export type Receiver<Value> = {
  resolve: (value: Value) => void;
  reject: (error: unknown) => void;
};

/** A caller that waits for the load of one key. */
export type Waiter<Key, Value> = {
  caller: Caller;
  person: string;
  /** Changes when another load of the same key is admitted first. */
  load: Load<Key, Value>;
  receiver: Receiver<Value>;
  /** Runs before the receiver gets the outcome of the load. */
  onSettled: () => void;
};

export type Load<Key, Value> = {
  key: Key;
  partition: string;
  /** The person whose token the load uses, and whose share of the bulkhead. */
  person: string;
  /** Loaded in a separate request, because another load of the key is queued. */
  isSeparate: boolean;
  /** In the bulkhead's queue now. */
  isQueued: boolean;
  wasQueued: boolean;
  wasAdmitted: boolean;
  /** The value has changed since the load began: its result is for its waiters only. */
  isOutdated: boolean;
  waiters: Set<Waiter<Key, Value>>;
  /** Runs when the last waiter has left. */
  onUnused: () => void;
};

export type LoadAddress<Key> = { partition: string; key: Key };
export type LoadIdentity<Key> = LoadAddress<Key> & { person: string; isSeparate: boolean };

const doNothing = () => {};

export const createLoad = <Key, Value>({
  key,
  partition,
  person,
  isSeparate,
}: LoadIdentity<Key>): Load<Key, Value> => ({
  key,
  partition,
  person,
  isSeparate,
  isQueued: false,
  wasQueued: false,
  wasAdmitted: false,
  isOutdated: false,
  waiters: new Set(),
  onUnused: doNothing,
});

export const moveWaiter = <Key, Value>(waiter: Waiter<Key, Value>, to: Load<Key, Value>): void => {
  waiter.load.waiters.delete(waiter);
  waiter.load = to;
  to.waiters.add(waiter);
};

export const settleWaiters = <Key, Value>({ waiters }: Load<Key, Value>, outcome: Value | AppError): void => {
  for (const { receiver, onSettled } of waiters) {
    onSettled();
    if (outcome instanceof AppError) receiver.reject(outcome);
    else receiver.resolve(outcome);
  }
  waiters.clear();
};

/** Rejects the waiters of one person. Returns whether others remain. */
export const rejectPerson = <Key, Value>({ waiters }: Load<Key, Value>, person: string, error: AppError): boolean => {
  for (const waiter of waiters) {
    if (waiter.person !== person) continue;
    waiters.delete(waiter);
    waiter.onSettled();
    waiter.receiver.reject(error);
  }
  return waiters.size > 0;
};

/** Loads in flight by partition and key. There is one load per key of a partition, unless some are queued. */
export const createInFlightLoads = <Key, Value>() => {
  type Loads = ReadonlyArray<Load<Key, Value>>;
  const none: Loads = [];
  const partitions = new Map<string, Map<Key, Loads>>();
  const of = ({ partition, key }: LoadAddress<Key>): Loads => partitions.get(partition)?.get(key) ?? none;

  const add = (load: Load<Key, Value>): void => {
    const { partition, key } = load;
    const keys = partitions.get(partition) ?? new Map<Key, Loads>();
    const loads = keys.get(key);
    keys.set(key, loads === undefined ? [load] : [...loads, load]);
    partitions.set(partition, keys);
  };
  const remove = (load: Load<Key, Value>): void => {
    const { partition, key } = load;
    const keys = partitions.get(partition);
    const loads = keys?.get(key);
    if (keys === undefined || loads === undefined) return;
    const others = loads.length === 1 && loads[0] === load ? none : loads.filter((other) => other !== load);
    if (others.length > 0) keys.set(key, others);
    else keys.delete(key);
    if (keys.size === 0) partitions.delete(partition);
  };

  return {
    of,
    has: (address: LoadAddress<Key>): boolean => of(address).length > 0,
    add,
    remove,
    removeIfUnused(load: Load<Key, Value>): void {
      if (load.waiters.size > 0) return;
      remove(load);
      load.onUnused();
    },
    /** A load that is not queued in the share of another person. */
    findJoinable(address: LoadAddress<Key>, person: string): Load<Key, Value> | undefined {
      const loads = of(address);
      return loads.find(({ isQueued }) => !isQueued) ?? loads.find((load) => load.person === person);
    },
  };
};

export type InFlightLoads<Key, Value> = ReturnType<typeof createInFlightLoads<Key, Value>>;
