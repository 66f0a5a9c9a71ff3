import type { Caller } from '../auth-service/caller.ts';
import type { AppError } from '../errors.ts';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import { createPerCallerKeys, type PerCallerKeys } from './per-caller-keys.ts';
import type { Receiver } from './in-flight-loads.ts';
import type { LoadReader } from './load-reader.ts';
import { createSharedLoads, type SharedLoads } from './shared-loads.ts';
import { createSwrCache, type SwrCache, type SwrCacheOptions } from './swr-cache.ts';

/** The caller of a directory lookup, and how old the result may be. */
export type DirectoryCaller = Caller & {
  /** Runs if the result is stale. Without it, stale results are never returned. */
  onStale?: (() => void) | undefined;
  /** Creates `signal` lazily, because cache hits do not need one. */
  getSignal?: (() => AbortSignal) | undefined;
  /** Maximum age of the result. Default: the fresh lifetime of the cache. */
  maxAgeSeconds?: number | undefined;
};

/** A cache and the shared loads that fill it. */
export type ReadThrough<Key extends string | number, Value> = {
  cache: SwrCache<Value, Key>;
  perCallerKeys: PerCallerKeys<Key>;
  loads: SharedLoads<Key, Value>;
  /** Whether a cached value has enough data. Default: always true. */
  isSufficient?: ((value: Value) => boolean) | undefined;
};

const toCaller = (caller: DirectoryCaller): Caller => {
  const { type, id, accessToken, service, isUnverified, requestId, address, signal, getSignal } = caller;
  return { type, id, accessToken, service, isUnverified, requestId, address, signal: getSignal?.() ?? signal };
};

const withoutSignal = (caller: DirectoryCaller): Caller =>
  toCaller({ ...caller, getSignal: undefined, signal: undefined });

/** A fresh value from the cache. Per-caller keys bypass the cache. */
const getFresh = <Key extends string | number, Value>(
  { cache, perCallerKeys, isSufficient }: ReadThrough<Key, Value>,
  key: Key,
  caller: DirectoryCaller,
): Value | undefined => (perCallerKeys.has(key) ? undefined : cache.getFresh(key, caller, isSufficient));

/** Loads keys without a fresh value. A list has one of these, because what it creates costs more than the load of a key. */
const createLoader = <Key extends string | number, Value>(
  { cache, perCallerKeys, loads, isSufficient }: ReadThrough<Key, Value>,
  caller: DirectoryCaller,
) => {
  let reader: LoadReader<Key, Value> | undefined;
  const load = (key: Key, receiver: Receiver<Value>): void => {
    // Created lazily, because stale values need no signal.
    reader ??= loads.readerOf(toCaller(caller));
    reader.read(key, receiver);
  };
  const { requestId, onStale, maxAgeSeconds } = caller;
  const revalidate = (key: Key): Promise<Value> => loads.load(key, withoutSignal(caller));
  const lookup = { load, revalidate, requestId, onStale, isSufficient, maxAgeSeconds };
  return (key: Key, receiver: Receiver<Value>): void =>
    perCallerKeys.has(key) ? load(key, receiver) : cache.load(key, lookup, receiver);
};

const loadOne = <Key extends string | number, Value>(
  source: ReadThrough<Key, Value>,
  key: Key,
  caller: DirectoryCaller,
): Promise<Value> => new Promise((resolve, reject) => createLoader(source, caller)(key, { resolve, reject }));

/** Reads from the cache or loads. Synchronous for a fresh cached value. */
export const readThrough = <Key extends string | number, Value extends {}>(
  source: ReadThrough<Key, Value>,
  key: Key,
  caller: DirectoryCaller,
): MaybePromise<Value> => getFresh(source, key, caller) ?? loadOne(source, key, caller);

/**
 * Reads a list of keys. Null for those that are absent. Rejects with the first other error. Synchronous if all values are
 * cached and fresh.
 */
export const readAllThrough = <Key extends string | number, Value extends {}>(
  source: ReadThrough<Key, Value>,
  keys: readonly Key[],
  caller: DirectoryCaller,
  isAbsent: (error: unknown) => boolean,
): MaybePromise<Array<Value | null>> => {
  const values = keys.map((key) => getFresh(source, key, caller) ?? null);
  let missing = values.filter((value) => value === null).length;
  if (missing === 0) return values;
  return new Promise((resolve, reject) => {
    const load = createLoader(source, caller);
    const settle = (index: number, value: Value | null): void => {
      values[index] = value;
      missing -= 1;
      if (missing === 0) resolve(values);
    };
    for (const [index, key] of keys.entries()) {
      if (values[index] !== null) continue;
      load(key, {
        resolve: (value) => settle(index, value),
        reject: (error) => (isAbsent(error) ? settle(index, null) : reject(error)),
      });
    }
  });
};

/** Removes the cached value, and keeps loads in flight from storing an older one. */
export const forgetKey = <Key extends string | number, Value>(
  { cache, loads }: Pick<ReadThrough<Key, Value>, 'cache' | 'loads'>,
  key: Key,
): void => {
  cache.forget(key);
  loads.outdate(key);
};

export type ReadThroughCacheOptions<Value> = {
  load: (key: string, caller: Caller) => Promise<Value>;
  notFound: () => AppError;
  cacheOptions: SwrCacheOptions;
  /** Runs for each lookup that joins a load in flight. */
  onJoin?: ((requestId: string | undefined) => void) | undefined;
};

/** A read-through cache whose keys are loaded one at a time. */
export const createReadThroughCache = <Value extends {}>(options: ReadThroughCacheOptions<Value>) => {
  const { load, notFound, cacheOptions, onJoin } = options;
  const cache = createSwrCache<Value>(cacheOptions);
  const perCallerKeys = createPerCallerKeys<string>({ now: cacheOptions.now });
  const loads = createSharedLoads<string, Value>({
    load: async ([key = ''], caller) => new Map([[key, await load(key, caller)]]),
    notFound,
    perCallerKeys,
    onOutcome: cache.store,
    onJoin,
  });
  const parts: ReadThrough<string, Value> = { cache, perCallerKeys, loads };
  return {
    staleness: cache.staleness,
    peekFresh: cache.peekFresh,
    forget: (key: string): void => forgetKey(parts, key),
    get: (key: string, caller: DirectoryCaller): MaybePromise<Value> => readThrough(parts, key, caller),
  };
};
