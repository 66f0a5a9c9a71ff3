import { ServiceAccountError } from '../auth-service/calling-service.ts';
import { AppError, isAppError } from '../errors.ts';
import { createBoundedMap } from '../platform/bounded-map.ts';
import type { Receiver } from './in-flight-loads.ts';

/** Ages in seconds since the value was loaded. */
export type Lifetimes = {
  /** Until this age, the value is returned. */
  freshSeconds: number;
  /** Until this age, the value is returned and revalidated in the background. Not above `freshSeconds`: disabled. */
  staleSeconds: number;
  /** Until this age, the value is returned if loading fails because of an outage. */
  staleOnErrorSeconds: number;
  /** For this time, a "not found" is cached. Default 0: never. */
  notFoundSeconds?: number;
};

export type SwrCacheOptions = Lifetimes & {
  /** Maximum of entries. The least recently used entry is evicted first. */
  maxEntries: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Runs once per lookup, with the id of the request. */
  onResult?: ((result: CacheResult, requestId: string | undefined) => void) | undefined;
};

/** `hit`: fresh, including a cached "not found". `stale`: a stale value was returned. `miss`: loaded. */
export type CacheResult = 'hit' | 'stale' | 'miss';

/** How old a cached value may be, and the request that reads it. */
export type Freshness = {
  requestId?: string | undefined;
  /** Older values are loaded again. Default: `freshSeconds`. */
  maxAgeSeconds?: number | undefined;
};

/** What the lookups of a request have in common. */
export type CacheLookup<Key, Value> = Freshness & {
  load: (key: Key, receiver: Receiver<Value>) => void;
  /** Loads in the background, independently of the current request. */
  revalidate: (key: Key) => Promise<Value>;
  /** Runs if the returned value is stale. Without it, stale values are never returned. */
  onStale?: (() => void) | undefined;
  /** Whether a cached value has enough data for this lookup. Ignored in an outage. Default: always true. */
  isSufficient?: IsSufficient<Value>;
};

type IsSufficient<Value> = ((value: Value) => boolean) | undefined;

type Entry<Value> = { value: Value; atMs: number };
type NotFound = { error: AppError; atMs: number };

/** First and last time at which loading failed since the last success. Milliseconds since the epoch. */
export type Staleness = { sinceMs: number; lastMs: number };

/** The failure says nothing about the requested value, so a cached one may replace it. */
const isOutage = (error: unknown) =>
  isAppError(error, 'auth_service_unavailable', 'auth_service_contract', 'overloaded');

const isNotFound = (error: unknown) => isAppError(error, 'user_not_found', 'employee_not_found');

const isEnough = <Value>({ value }: Entry<Value>, isSufficient: IsSufficient<Value>): boolean =>
  isSufficient === undefined || isSufficient(value);

/** Stale-while-revalidate cache with stale-if-error. */
export const createSwrCache = <Value, Key extends string | number = string>(options: SwrCacheOptions) => {
  const { freshSeconds, staleSeconds, staleOnErrorSeconds, notFoundSeconds = 0, maxEntries, now, onResult } = options;
  const entries = createBoundedMap<Key, Entry<Value>>(maxEntries);
  // A separate map, so that lookups of unknown keys cannot evict values.
  const notFound = createBoundedMap<Key, NotFound>(maxEntries);
  const revalidating = new Set<Key>();
  let staleness: Staleness | null = null;

  const isYounger = ({ atMs }: { atMs: number }, seconds: number, maxAgeSeconds = Number.POSITIVE_INFINITY): boolean =>
    now() - atMs < Math.min(seconds, maxAgeSeconds) * 1000;

  /** Stores a value or a "not found". Ignores other errors. */
  const store = (key: Key, outcome: Value | AppError): void => {
    if (!(outcome instanceof AppError)) {
      entries.set(key, { value: outcome, atMs: now() });
      notFound.delete(key);
      staleness = null;
    } else if (isNotFound(outcome)) {
      entries.delete(key);
      notFound.set(key, { error: outcome, atMs: now() });
    }
  };

  const noteFailure = (error: unknown): void => {
    // The Auth Service may be up for everyone but the service account.
    if (isOutage(error) && !(error instanceof ServiceAccountError))
      staleness = { sinceMs: staleness?.sinceMs ?? now(), lastMs: now() };
  };

  /** At most one revalidation per key. Callers do not wait for it, so their number stays unbounded without cost. */
  const revalidateOnce = (key: Key, revalidate: (key: Key) => Promise<Value>): void => {
    if (revalidating.has(key)) return;
    revalidating.add(key);
    revalidate(key)
      .catch(noteFailure)
      .finally(() => revalidating.delete(key));
  };

  const loadMissing = (key: Key, lookup: CacheLookup<Key, Value>, receiver: Receiver<Value>): void => {
    const known = notFound.get(key);
    const isKnown = known !== undefined && isYounger(known, notFoundSeconds, lookup.maxAgeSeconds);
    onResult?.(isKnown ? 'hit' : 'miss', lookup.requestId);
    if (isKnown) receiver.reject(known.error);
    else lookup.load(key, receiver);
  };

  /** For an entry that is old or insufficient. */
  const loadOrServeStale = (
    key: Key,
    lookup: CacheLookup<Key, Value>,
    entry: Entry<Value>,
    receiver: Receiver<Value>,
  ): void => {
    const { requestId, onStale, isSufficient } = lookup;
    const ageSeconds = (now() - entry.atMs) / 1000;
    if (onStale !== undefined && isEnough(entry, isSufficient) && ageSeconds < staleSeconds) {
      revalidateOnce(key, lookup.revalidate);
      onResult?.('stale', requestId);
      onStale();
      return receiver.resolve(entry.value);
    }
    lookup.load(key, {
      resolve(value) {
        onResult?.('miss', requestId);
        receiver.resolve(value);
      },
      reject(error) {
        // In an outage, an insufficient value is better than an error.
        if (onStale !== undefined && ageSeconds < staleOnErrorSeconds && isOutage(error)) {
          // After the other keys of the request are stored: their success does not end this failure.
          queueMicrotask(() => noteFailure(error));
          onResult?.('stale', requestId);
          onStale();
          return receiver.resolve(entry.value);
        }
        onResult?.('miss', requestId);
        receiver.reject(error);
      },
    });
  };

  /**
   * The cached value if it is fresh and sufficient, which counts as a use and as a hit. Otherwise undefined, and the caller
   * continues with `load`. It allocates nothing, because most lookups end here.
   */
  const getFresh = (
    key: Key,
    { requestId, maxAgeSeconds }: Freshness,
    isSufficient: IsSufficient<Value>,
  ): Value | undefined => {
    const entry = entries.get(key);
    if (entry === undefined || !isYounger(entry, freshSeconds, maxAgeSeconds)) return undefined;
    if (!isEnough(entry, isSufficient)) return undefined;
    onResult?.('hit', requestId);
    return entry.value;
  };

  return {
    store,
    getFresh,
    /** Removes what is cached about the key. */
    forget(key: Key): void {
      entries.delete(key);
      notFound.delete(key);
    },
    /** Null while loading works. */
    staleness: () => staleness,

    /** The cached value if it is fresh. Never loads, and does not count as a use for eviction. */
    peekFresh(key: Key): Value | undefined {
      const entry = entries.peek(key);
      return entry !== undefined && isYounger(entry, freshSeconds) ? entry.value : undefined;
    },

    /** For a key without a fresh, sufficient value (`getFresh`). Loads, or answers with a stale value. */
    load(key: Key, lookup: CacheLookup<Key, Value>, receiver: Receiver<Value>): void {
      const entry = entries.peek(key);
      if (entry === undefined) loadMissing(key, lookup, receiver);
      else loadOrServeStale(key, lookup, entry, receiver);
    },
  };
};

export type SwrCache<Value, Key extends string | number = string> = ReturnType<typeof createSwrCache<Value, Key>>;
