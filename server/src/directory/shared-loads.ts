import { setMaxListeners } from 'node:events';
import { type Caller, personOf } from '../auth-service/transport.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Unshared } from './unshared.ts';

/** What came of each key: an answer, or why there is none. A key that is left out is nobody's. */
export type LoadResults<Key, Answer> = Map<Key, Answer | AppError>;

export type SharedLoadsOptions<Key extends string | number, Answer> = {
  /** Loads these keys with this caller's token. What it throws is the outcome of each key. */
  load: (keys: Key[], caller: Caller) => Promise<LoadResults<Key, Answer>>;
  /** What a key that is left out means. */
  notFound: () => AppError;
  /** Told of each outcome that everybody may share, once. */
  onOutcome?: (key: Key, outcome: Answer | AppError) => void;
  unshared: Unshared<Key>;
  /** Told of each caller who joins a load under way. */
  onJoin?: ((requestId: string | undefined) => void) | undefined;
  /** Keys for one load. Default 1. */
  maxKeys?: number;
};

type Asker<Answer> = {
  caller: Caller;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
  stopListening: () => void;
};
type Load<Key, Answer> = {
  id: string;
  key: Key;
  lane: string;
  askers: Set<Asker<Answer>>;
  /** Told when the last of its askers has left. */
  onDeserted: () => void;
};

/** Everybody's lane. A key that somebody was denied is loaded by each person alone, in the lane of their own. */
const everybody = '';

const isRefusal = (error: AppError) => isAppError(error, 'session_ended', 'insufficient_permissions');
/** A 500 may be caused by one person's token, whose user is gone, and a 429 by one person's calls. */
const mayBeTheTokens = (error: AppError) => isRefusal(error) || error.upstream === 500 || error.upstream === 429;

/**
 * One load for all who ask for the same key meanwhile, and one for all keys that are asked for in the same tick.
 *
 * It goes with the token of one of those who ask. Where that is refused, it is refused to that person alone, and
 * the load goes again with the token of another: each person's own refusal is theirs, and nobody else's. Whoever
 * leaves (their `signal` aborts) leaves alone; the load is given up with the last of them.
 */
export const createSharedLoads = <Key extends string | number, Answer>(options: SharedLoadsOptions<Key, Answer>) => {
  const { load: loadKeys, notFound, onOutcome, unshared, onJoin, maxKeys = 1 } = options;
  const underWay = new Map<string, Load<Key, Answer>>();
  let waiting: Load<Key, Answer>[] = [];

  const forEachAsker = (load: Load<Key, Answer>, tell: (asker: Asker<Answer>) => void): void => {
    for (const asker of load.askers) {
      asker.stopListening();
      tell(asker);
    }
    load.askers.clear();
  };

  const settle = (load: Load<Key, Answer>, outcome: Answer | AppError): void => {
    if (isAppError(outcome, 'insufficient_permissions')) unshared.deny(load.key);
    if (underWay.get(load.id) === load) underWay.delete(load.id);
    if (load.lane === everybody && unshared.isShared(load.key)) onOutcome?.(load.key, outcome);
    forEachAsker(load, ({ resolve, reject }) => (outcome instanceof AppError ? reject(outcome) : resolve(outcome)));
  };

  /** The person's own refusal. Whether others still ask. */
  const refuse = (load: Load<Key, Answer>, person: string, error: AppError): boolean => {
    if (isAppError(error, 'insufficient_permissions')) unshared.deny(load.key);
    for (const asker of load.askers) {
      if (personOf(asker.caller) !== person) continue;
      asker.stopListening();
      load.askers.delete(asker);
      asker.reject(error);
    }
    return load.askers.size > 0;
  };

  const tryWith = async (loads: readonly Load<Key, Answer>[], caller: Caller): Promise<LoadResults<Key, Answer>> => {
    const abort = new AbortController();
    // Each key that waits for its turn listens.
    setMaxListeners(0, abort.signal);
    // Whoever comes now finds a load that was given up no more.
    const onDeserted = () => {
      if (loads.every(({ askers }) => askers.size === 0)) abort.abort();
    };
    for (const load of loads) load.onDeserted = onDeserted;
    try {
      return await loadKeys(
        loads.map(({ key }) => key),
        { ...caller, signal: abort.signal },
      );
    } catch (error) {
      const outcome = isAppError(error) ? error : new AppError('internal', { cause: error });
      return new Map(loads.map(({ key }) => [key, outcome]));
    }
  };

  const run = async (all: readonly Load<Key, Answer>[]): Promise<void> => {
    let mayFailOnceMore = true;
    for (let left = all; ; ) {
      left = left.filter(({ askers }) => askers.size > 0);
      const [asker] = left[0]?.askers ?? [];
      if (asker === undefined) return;
      const person = personOf(asker.caller);
      const results = await tryWith(left, asker.caller);
      const again: Load<Key, Answer>[] = [];
      let hasFailed = false;
      for (const load of left) {
        const outcome = results.get(load.key) ?? notFound();
        const isFault = outcome instanceof AppError && mayBeTheTokens(outcome) && load.lane === everybody;
        const mayGoAgain = isFault && (isRefusal(outcome) || mayFailOnceMore);
        if (!mayGoAgain) settle(load, outcome);
        else if (refuse(load, person, outcome)) {
          again.push(load);
          hasFailed ||= !isRefusal(outcome);
        } else settle(load, outcome);
      }
      if (hasFailed) mayFailOnceMore = false;
      left = again;
    }
  };

  const flush = (): void => {
    const loads = waiting;
    waiting = [];
    const lanes = new Map<string, Load<Key, Answer>[]>();
    for (const load of loads) {
      const inLane = lanes.get(load.lane);
      if (inLane === undefined) lanes.set(load.lane, [load]);
      else inLane.push(load);
    }
    for (const inLane of lanes.values()) {
      for (let from = 0; from < inLane.length; from += maxKeys) void run(inLane.slice(from, from + maxKeys));
    }
  };

  const begin = (id: string, key: Key, lane: string): Load<Key, Answer> => {
    const load: Load<Key, Answer> = { id, key, lane, askers: new Set(), onDeserted: () => {} };
    underWay.set(id, load);
    // After the promises of this tick: all calls of a batch, and of requests that came together, have asked by then.
    if (waiting.push(load) === 1) setImmediate(flush);
    return load;
  };

  return {
    /** Rejects with what `load` rejects with, or with the reason of the caller's signal. */
    load: (key: Key, caller: Caller): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const { signal } = caller;
        if (signal?.aborted) return reject(signal.reason as Error);
        const lane = unshared.isShared(key) ? everybody : personOf(caller);
        const id = `${lane} ${key}`;
        const begun = underWay.get(id);
        if (begun !== undefined) onJoin?.(caller.requestId);
        const load = begun ?? begin(id, key, lane);
        const leave = () => {
          load.askers.delete(asker);
          if (load.askers.size === 0) {
            if (underWay.get(id) === load) underWay.delete(id);
            load.onDeserted();
          }
          reject(signal?.reason as Error);
        };
        const asker = { caller, resolve, reject, stopListening: () => signal?.removeEventListener('abort', leave) };
        signal?.addEventListener('abort', leave);
        load.askers.add(asker);
      }),
  };
};

export type SharedLoads<Key extends string | number, Answer> = ReturnType<typeof createSharedLoads<Key, Answer>>;
