import { ServiceAccountError } from '../auth-service/calling-service.ts';
import { AppError, isAppError } from '../errors.ts';
import { createBoundedMap } from '../platform/bounded-map.ts';

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

export type CacheLookup<Value> = Freshness & {
  key: string;
  load: () => Promise<Value>;
  /** Loads in the background, independently of the current request. */
  revalidate: () => Promise<Value>;
  /** Runs if the returned value is stale. Without it, stale values are never returned. */
  onStale?: (() => void) | undefined;
  /** Whether a cached value has enough data for this lookup. Ignored in an outage. Default: always true. */
  isSufficient?: ((value: Value) => boolean) | undefined;
};

type Entry<Value> = { value: Value; atMs: number };
type NotFound = { error: AppError; atMs: number };

/** First and last time at which loading failed since the last success. Milliseconds since the epoch. */
export type Staleness = { sinceMs: number; lastMs: number };

/** The failure says nothing about the requested value, so a cached one may replace it. */
const isOutage = (error: unknown) =>
  isAppError(error, 'auth_service_unavailable', 'auth_service_contract', 'overloaded');

const isNotFound = (error: unknown) => isAppError(error, 'user_not_found', 'employee_not_found');

const isEnough = <Value>({ value }: Entry<Value>, isSufficient: CacheLookup<Value>['isSufficient']): boolean =>
  isSufficient === undefined || isSufficient(value);

/** Stale-while-revalidate cache with stale-if-error. */
export const createSwrCache = <Value>(options: SwrCacheOptions) => {
  const { freshSeconds, staleSeconds, staleOnErrorSeconds, notFoundSeconds = 0, maxEntries, now, onResult } = options;
  const entries = createBoundedMap<string, Entry<Value>>(maxEntries);
  // A separate map, so that lookups of unknown keys cannot evict values.
  const notFound = createBoundedMap<string, NotFound>(maxEntries);
  const revalidating = new Set<string>();
  let staleness: Staleness | null = null;

  const isYounger = ({ atMs }: { atMs: number }, seconds: number, maxAgeSeconds = Number.POSITIVE_INFINITY): boolean =>
    now() - atMs < Math.min(seconds, maxAgeSeconds) * 1000;

  /** Stores a value or a "not found". Ignores other errors. */
  const store = (key: string, outcome: Value | AppError): void => {
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
  const revalidateOnce = (key: string, revalidate: () => Promise<Value>): void => {
    if (revalidating.has(key)) return;
    revalidating.add(key);
    revalidate()
      .catch(noteFailure)
      .finally(() => revalidating.delete(key));
  };

  const loadMissing = ({ key, requestId, load, maxAgeSeconds }: CacheLookup<Value>): Promise<Value> => {
    const known = notFound.get(key);
    const isKnown = known !== undefined && isYounger(known, notFoundSeconds, maxAgeSeconds);
    onResult?.(isKnown ? 'hit' : 'miss', requestId);
    return isKnown ? Promise.reject(known.error) : load();
  };

  /** For an entry that is old or insufficient. */
  const loadOrServeStale = async (lookup: CacheLookup<Value>, entry: Entry<Value>): Promise<Value> => {
    const { key, requestId, load, revalidate, onStale, isSufficient } = lookup;
    const ageSeconds = (now() - entry.atMs) / 1000;
    if (onStale !== undefined && isEnough(entry, isSufficient) && ageSeconds < staleSeconds) {
      revalidateOnce(key, revalidate);
      onResult?.('stale', requestId);
      onStale();
      return entry.value;
    }
    try {
      const value = await load();
      onResult?.('miss', requestId);
      return value;
    } catch (error) {
      // In an outage, an insufficient value is better than an error.
      if (onStale !== undefined && ageSeconds < staleOnErrorSeconds && isOutage(error)) {
        noteFailure(error);
        onResult?.('stale', requestId);
        onStale();
        return entry.value;
      }
      onResult?.('miss', requestId);
      throw error;
    }
  };

  /**
   * The cached value if it is fresh and sufficient, which counts as a use and as a hit. Otherwise undefined, and the caller
   * continues with `load`. It allocates nothing, because most lookups end here.
   */
  const getFresh = (
    key: string,
    { requestId, maxAgeSeconds }: Freshness,
    isSufficient: CacheLookup<Value>['isSufficient'],
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
    forget(key: string): void {
      entries.delete(key);
      notFound.delete(key);
    },
    /** Null while loading works. */
    staleness: () => staleness,

    /** The cached value if it is fresh. Never loads, and does not count as a use for eviction. */
    peekFresh(key: string): Value | undefined {
      const entry = entries.peek(key);
      return entry !== undefined && isYounger(entry, freshSeconds) ? entry.value : undefined;
    },

    /** For a key without a fresh, sufficient value (`getFresh`). Loads, or returns a stale value. */
    load(lookup: CacheLookup<Value>): Promise<Value> {
      const entry = entries.peek(lookup.key);
      return entry === undefined ? loadMissing(lookup) : loadOrServeStale(lookup, entry);
    },
  };
};

export type SwrCache<Value> = ReturnType<typeof createSwrCache<Value>>;
