import type { MaybePromise } from '../platform/maybe-promise.ts';
import { createBoundedMap } from '../platform/bounded-map.ts';
import { AppError, isAppError } from '../errors.ts';

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
  /** Told of each recall, and of the request that it was for. */
  onRecall?: ((how: Recalled, requestId: string | undefined) => void) | undefined;
};

/** `hit`: known and fresh, also that there is none. `stale`: known and old. `miss`: it had to be loaded. */
export type Recalled = 'hit' | 'stale' | 'miss';

export type Recall<Answer> = {
  key: string;
  requestId?: string | undefined;
  load: () => Promise<Answer>;
  /** Loads for nobody who waits. */
  reload: () => Promise<Answer>;
  /** Told where a stale answer is given; left out, none is. */
  onStale?: (() => void) | undefined;
  /** Whether a known answer is as much as was asked for; in an outage it serves all the same. Default: any is. */
  serves?: ((known: Answer) => boolean) | undefined;
  /** The oldest answer that will do, in seconds; an older one is loaded anew. Default: `freshSeconds`. */
  maxAgeSeconds?: number | undefined;
};

type Entry<Answer> = { answer: Answer; atMs: number };
type Missing = { error: AppError; atMs: number };

/** Since when answers are stale for want of newer ones, and when the last such answer was given; since the epoch. */
export type Staleness = { sinceMs: number; lastMs: number };

/** Whether the failure says nothing about what was asked, so that what was known before may stand in. */
const isOutage = (error: unknown) =>
  isAppError(error, 'auth_service_unavailable', 'auth_service_contract', 'overloaded');

const isNotFound = (error: unknown) => isAppError(error, 'user_not_found', 'employee_not_found');

const isEnough = <Answer>({ answer }: Entry<Answer>, serves: Recall<Answer>['serves']): boolean =>
  serves === undefined || serves(answer);

/** Remembers answers, and says how long each one serves: fresh, stale while it is loaded anew, stale in an outage. */
export const createFreshness = <Answer>(options: FreshnessOptions) => {
  const { freshSeconds, staleSeconds, staleOnErrorSeconds, notFoundSeconds = 0, maxEntries, now, onRecall } = options;
  const entries = createBoundedMap<string, Entry<Answer>>(maxEntries);
  // On their own, or whoever asks for many that are not there would push out those who are.
  const missing = createBoundedMap<string, Missing>(maxEntries);
  const reloading = new Set<string>();
  let staleness: Staleness | null = null;

  const isWithin = ({ atMs }: { atMs: number }, seconds: number, maxAgeSeconds = Number.POSITIVE_INFINITY): boolean =>
    now() - atMs < Math.min(seconds, maxAgeSeconds) * 1000;

  /** Takes note of an answer, or of why there is none. */
  const remember = (key: string, outcome: Answer | AppError): void => {
    if (!(outcome instanceof AppError)) {
      entries.set(key, { answer: outcome, atMs: now() });
      missing.delete(key);
      staleness = null;
    } else if (isNotFound(outcome)) {
      entries.delete(key);
      missing.set(key, { error: outcome, atMs: now() });
    }
  };

  const noteFailure = (error: unknown): void => {
    if (isOutage(error)) staleness = { sinceMs: staleness?.sinceMs ?? now(), lastMs: now() };
  };

  /** Nobody waits for it, so that whoever comes meanwhile need not join: their number has no bound. */
  const reloadOnce = (key: string, reload: () => Promise<Answer>): void => {
    if (reloading.has(key)) return;
    reloading.add(key);
    reload()
      .catch(noteFailure)
      .finally(() => reloading.delete(key));
  };

  /** What is not both known and fresh. */
  const recallOrLoad = async (recall: Recall<Answer>, entry: Entry<Answer> | undefined): Promise<Answer> => {
    const { key, requestId, load, reload, onStale, serves, maxAgeSeconds } = recall;
    if (entry === undefined) {
      const gone = missing.get(key);
      const isGone = gone !== undefined && isWithin(gone, notFoundSeconds, maxAgeSeconds);
      onRecall?.(isGone ? 'hit' : 'miss', requestId);
      if (isGone) throw gone.error;
      return load();
    }
    const ageSeconds = (now() - entry.atMs) / 1000;
    const giveStale = (tell: () => void): Answer => {
      onRecall?.('stale', requestId);
      tell();
      return entry.answer;
    };
    if (onStale !== undefined && isEnough(entry, serves) && ageSeconds < staleSeconds) {
      reloadOnce(key, reload);
      return giveStale(onStale);
    }
    try {
      const answer = await load();
      onRecall?.('miss', requestId);
      return answer;
    } catch (error) {
      // Less than was asked for is better than nothing, but only where nothing else is to be had.
      if (onStale !== undefined && ageSeconds < staleOnErrorSeconds && isOutage(error)) {
        noteFailure(error);
        return giveStale(onStale);
      }
      onRecall?.('miss', requestId);
      throw error;
    }
  };

  return {
    remember,
    /** Null where nothing newer was wanted in vain. */
    staleness: () => staleness,

    /** The answer in memory, if it is fresh. Loads nothing, and counts as no use of it. */
    fresh(key: string): Answer | undefined {
      const entry = entries.peek(key);
      return entry !== undefined && isWithin(entry, freshSeconds) ? entry.answer : undefined;
    },

    /** What is known, while it serves, and else what is loaded. No promise where it is known and fresh. */
    recall(recall: Recall<Answer>): MaybePromise<Answer> {
      const { key, requestId, serves, maxAgeSeconds } = recall;
      const entry = entries.get(key);
      const isFresh = entry !== undefined && isWithin(entry, freshSeconds, maxAgeSeconds);
      if (!isFresh || !isEnough(entry, serves)) return recallOrLoad(recall, entry);
      onRecall?.('hit', requestId);
      return entry.answer;
    },
  };
};

export type Freshness<Answer> = ReturnType<typeof createFreshness<Answer>>;
