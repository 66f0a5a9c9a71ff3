import { LRUCache } from 'lru-cache';
import { isAppError } from '../errors.ts';

/** How long an answer serves, in seconds since it came. */
export type Lifetimes = {
  /** It is the answer. */
  freshSeconds: number;
  /** It still is, while it is loaded anew in the background. Up to `freshSeconds`: not at all. */
  staleSeconds: number;
  /** It is where it cannot be loaded. */
  staleOnErrorSeconds: number;
  /** That there is none is an answer, too. Default 0: it is not remembered. */
  notFoundSeconds?: number;
};

export type FreshnessOptions = Lifetimes & {
  /** The most answers kept; the least recently used goes first. */
  maxEntries: number;
  /** Milliseconds since the epoch. */
  now: () => number;
};

export type Recall<Answer> = {
  key: string;
  load: () => Promise<Answer>;
  /** Loads for nobody who waits. Default: as `load`. */
  reload?: () => Promise<Answer>;
  /** Told where a stale answer is given; left out, none is. */
  onStale?: (() => void) | undefined;
  /** Whether a known answer will do. Default: any does. */
  serves?: (known: Answer) => boolean;
};

type Entry<Answer> = { answer: Answer; atMs: number } | { error: unknown; atMs: number };

/** Since when answers are stale for want of newer ones, and when the last such answer was given; since the epoch. */
export type Staleness = { sinceMs: number; lastMs: number };

/** Whether the failure says nothing about what was asked, so that what was known before may stand in. */
const isOutage = (error: unknown) =>
  isAppError(error, 'auth_service_unavailable', 'auth_service_contract', 'overloaded');

const isNotFound = (error: unknown) => isAppError(error, 'user_not_found', 'employee_not_found');

/** Remembers answers, and says how long each one serves: fresh, stale while it is loaded anew, stale in an outage. */
export const createFreshness = <Answer>(options: FreshnessOptions) => {
  const { freshSeconds, staleSeconds, staleOnErrorSeconds, notFoundSeconds = 0, maxEntries, now } = options;
  const entries = new LRUCache<string, Entry<Answer>>({ max: maxEntries });
  let staleness: Staleness | null = null;

  const remember = (key: string, answer: Answer): void => {
    entries.set(key, { answer, atMs: now() });
    staleness = null;
  };

  /** Takes note of why there is no answer. */
  const rememberError = (key: string, error: unknown): void => {
    if (!isNotFound(error)) return;
    if (notFoundSeconds > 0) entries.set(key, { error, atMs: now() });
    else entries.delete(key);
  };

  const noteFailure = (error: unknown): void => {
    if (isOutage(error)) staleness = { sinceMs: staleness?.sinceMs ?? now(), lastMs: now() };
  };

  return {
    remember,
    rememberError,
    forget: (key: string): void => void entries.delete(key),
    /** Null where nothing newer was wanted in vain. */
    staleness: () => staleness,
    size: () => entries.size,

    async recall({ key, load, reload = load, onStale, serves = () => true }: Recall<Answer>): Promise<Answer> {
      const entry = entries.get(key);
      const ageSeconds = entry === undefined ? Number.POSITIVE_INFINITY : (now() - entry.atMs) / 1000;
      if (entry !== undefined && 'error' in entry) {
        if (ageSeconds < notFoundSeconds) throw entry.error;
        return load();
      }
      if (entry === undefined || !serves(entry.answer)) return load();
      if (ageSeconds < freshSeconds) return entry.answer;
      if (onStale === undefined) return load();
      if (ageSeconds < staleSeconds) {
        reload().catch(noteFailure);
        onStale();
        return entry.answer;
      }
      try {
        return await load();
      } catch (error) {
        if (ageSeconds >= staleOnErrorSeconds || !isOutage(error)) throw error;
        noteFailure(error);
        onStale();
        return entry.answer;
      }
    },
  };
};

export type Freshness<Answer> = ReturnType<typeof createFreshness<Answer>>;
