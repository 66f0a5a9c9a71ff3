import type { Caller } from '../auth-service/transport.ts';
import type { AppError } from '../errors.ts';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import { createPerCallerKeys, type PerCallerKeys } from './per-caller-keys.ts';
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
  cache: SwrCache<Value>;
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

/** Reads from the cache or loads. Synchronous for a fresh cached value. Per-caller keys bypass the cache. */
export const readThrough = <Key extends string | number, Value>(
  { cache, perCallerKeys, loads, isSufficient }: ReadThrough<Key, Value>,
  key: Key,
  caller: DirectoryCaller,
): MaybePromise<Value> => {
  if (perCallerKeys.has(key)) return loads.load(key, toCaller(caller));
  const cacheKey = String(key);
  const fresh = cache.getFresh(cacheKey, caller, isSufficient);
  if (fresh !== undefined) return fresh;
  return cache.load({
    key: cacheKey,
    requestId: caller.requestId,
    load: () => loads.load(key, toCaller(caller)),
    revalidate: () => loads.load(key, withoutSignal(caller)),
    onStale: caller.onStale,
    isSufficient,
    maxAgeSeconds: caller.maxAgeSeconds,
  });
};

/** Removes the cached value, and keeps loads in flight from storing an older one. */
export const forgetKey = <Key extends string | number, Value>(
  { cache, loads }: Pick<ReadThrough<Key, Value>, 'cache' | 'loads'>,
  key: Key,
): void => {
  cache.forget(String(key));
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
export const createReadThroughCache = <Value>(options: ReadThroughCacheOptions<Value>) => {
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
