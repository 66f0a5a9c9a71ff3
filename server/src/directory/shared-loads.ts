import type { TurnEvents } from '../auth-service/resilience/bulkhead.ts';
import { type Caller, personOf } from '../auth-service/transport.ts';
import { AppError, isAppError } from '../errors.ts';
import { onAbort } from '../platform/on-abort.ts';
import type { Unshared } from './per-caller-keys.ts';

/** What came of each key: an answer, or why there is none. A key that is left out is nobody's. */
export type LoadResults<Key, Answer> = Map<Key, Answer | AppError>;

/** The events of a request for these keys, for a caller whose load asks for each key, or for some, alone. */
export type TurnsOf<Key> = (keys: readonly Key[]) => TurnEvents;

export type SharedLoadsOptions<Key extends string | number, Answer> = {
  /**
   * Loads these keys with this caller's token. What it throws is the outcome of each key. The caller's events are those
   * of a request for all of the keys; `turnsOf` makes those of a request for fewer.
   */
  load: (keys: Key[], caller: Caller, turnsOf: TurnsOf<Key>) => Promise<LoadResults<Key, Answer>>;
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

type Asker<Key, Answer> = {
  caller: Caller;
  person: string;
  /** The load that answers. It changes when another load of the key gets its turn first. */
  load: Load<Key, Answer>;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
  stopListening: () => void;
};
type Load<Key, Answer> = {
  id: string;
  key: Key;
  lane: string;
  /** Whose token it goes with, and whose share of the bulkhead it takes. */
  person: string;
  /** Whether it goes in no request with what others ask for. */
  isApart: boolean;
  /** Whether it waits for a slot of the bulkhead now, did so before, and has had one. */
  isWaiting: boolean;
  hasWaited: boolean;
  hasBegun: boolean;
  askers: Set<Asker<Key, Answer>>;
  /** Told when the last of its askers has left. */
  onDeserted: () => void;
};

/** Names the caller. An unverified token proves no identity, so its callers are told apart by address as well. */
const askerOf = (caller: Caller): string =>
  caller.isUnverified === true ? `unverified ${personOf(caller)} at ${caller.address}` : personOf(caller);

const neverInTurn = { isWaiting: false, hasWaited: false, hasBegun: false };

/** Everybody's lane. A key that somebody was denied is loaded by each person alone, in the lane of their own. */
const everybody = '';

/** Of one person alone: their token is refused, or their share of the bulkhead is full. */
const isRefusal = (error: AppError) => isAppError(error, 'session_ended', 'insufficient_permissions', 'overloaded');
/** A 500 may be caused by one person's token, whose user is gone, and a 429 by one person's calls. */
const mayBeTheTokens = (error: AppError) => isRefusal(error) || error.upstream === 500 || error.upstream === 429;

/**
 * One load for all who ask for the same key meanwhile, and one for all keys that are asked for in the same tick.
 *
 * It goes with the token of one of those who ask. Where that is refused, it is refused to that person alone, and
 * the load goes again with the token of another: each person's own refusal is theirs, and nobody else's. Whoever
 * leaves (their `signal` aborts) leaves alone; the load is given up with the last of them.
 *
 * It also takes the share of the bulkhead of that one person. While it waits there, nobody else waits for it: each other
 * person gets a load of their own. The first of these that gets its turn answers them all.
 */
export const createSharedLoads = <Key extends string | number, Answer>(options: SharedLoadsOptions<Key, Answer>) => {
  const { load: loadKeys, notFound, onOutcome, unshared, onJoin, maxKeys = 1 } = options;
  /** Of each key the loads under way: one, unless some wait for their turn. */
  const underWay = new Map<string, ReadonlyArray<Load<Key, Answer>>>();
  let due: Load<Key, Answer>[] = [];

  const loadsOf = (id: string) => underWay.get(id) ?? [];
  const forget = (load: Load<Key, Answer>): void => {
    const others = loadsOf(load.id).filter((other) => other !== load);
    if (others.length === 0) underWay.delete(load.id);
    else underWay.set(load.id, others);
  };

  const answer = (load: Load<Key, Answer>, outcome: Answer | AppError): void => {
    for (const { stopListening, resolve, reject } of load.askers) {
      stopListening();
      if (outcome instanceof AppError) reject(outcome);
      else resolve(outcome);
    }
    load.askers.clear();
  };

  const giveUpIfDeserted = (load: Load<Key, Answer>): void => {
    if (load.askers.size > 0) return;
    forget(load);
    load.onDeserted();
  };

  const settle = (load: Load<Key, Answer>, outcome: Answer | AppError): void => {
    if (isAppError(outcome, 'insufficient_permissions')) unshared.deny(load.key);
    forget(load);
    const isShared = load.lane === everybody && unshared.isShared(load.key);
    if (isShared) onOutcome?.(load.key, outcome);
    answer(load, outcome);
    if (!isShared || outcome instanceof AppError) return;
    for (const other of loadsOf(load.id)) {
      answer(other, outcome);
      giveUpIfDeserted(other);
    }
  };

  /** The person's own refusal. Whether others still ask. */
  const refuse = (load: Load<Key, Answer>, person: string, error: AppError): boolean => {
    if (isAppError(error, 'insufficient_permissions')) unshared.deny(load.key);
    for (const asker of load.askers) {
      if (asker.person !== person) continue;
      asker.stopListening();
      load.askers.delete(asker);
      asker.reject(error);
    }
    return load.askers.size > 0;
  };

  const move = (asker: Asker<Key, Answer>, to: Load<Key, Answer>): void => {
    asker.load.askers.delete(asker);
    asker.load = to;
    to.askers.add(asker);
  };

  /** The load waits in its person's share: the others go on without it. */
  const onWait = (load: Load<Key, Answer>): void => {
    load.isWaiting = true;
    load.hasWaited = true;
    for (const asker of load.askers) {
      const { person } = asker;
      if (person === load.person) continue;
      const others = loadsOf(load.id);
      const sent = others.find(({ hasBegun, isWaiting }) => hasBegun && !isWaiting);
      const theirs = sent ?? others.find((other) => other.person === person);
      move(asker, theirs ?? begin({ ...load, person, isApart: true }));
    }
    giveUpIfDeserted(load);
  };

  /** The load has its turn: those that had none yet join it. */
  const onBegin = (load: Load<Key, Answer>): void => {
    load.isWaiting = false;
    load.hasBegun = true;
    if (load.askers.size === 0) return;
    for (const other of loadsOf(load.id)) {
      if (other === load || other.hasBegun) continue;
      for (const asker of other.askers) move(asker, load);
      giveUpIfDeserted(other);
    }
  };

  const tryWith = async (loads: readonly Load<Key, Answer>[], caller: Caller): Promise<LoadResults<Key, Answer>> => {
    const abort = new AbortController();
    // Whoever comes now finds a load that was given up no more.
    const onDeserted = () => {
      if (loads.every(({ askers }) => askers.size === 0)) abort.abort();
    };
    const person = askerOf(caller);
    for (const load of loads) Object.assign(load, { person, ...neverInTurn, onDeserted });
    const keys = loads.map(({ key }) => key);
    const turnsOf: TurnsOf<Key> = (some) => {
      const asked = some.length === keys.length ? loads : loads.filter(({ key }) => some.includes(key));
      return { onWait: () => asked.forEach(onWait), onBegin: () => asked.forEach(onBegin) };
    };
    try {
      return await loadKeys(keys, { ...caller, ...turnsOf(keys), signal: abort.signal }, turnsOf);
    } catch (error) {
      const outcome = isAppError(error) ? error : new AppError('internal', { cause: error });
      return new Map(loads.map(({ key }) => [key, outcome]));
    }
  };

  /** Whether others who ask for the key may have a better outcome. */
  const isOwn = ({ lane, hasWaited }: Load<Key, Answer>, error: AppError): boolean =>
    lane === everybody &&
    // Much of the deadline may have passed in the person's share before the others joined.
    (mayBeTheTokens(error) || (hasWaited && isAppError(error, 'auth_service_unavailable')));

  const run = async (all: readonly Load<Key, Answer>[]): Promise<void> => {
    let mayFailOnceMore = true;
    for (let left = all; ; ) {
      left = left.filter(({ askers }) => askers.size > 0);
      const [asker] = left[0]?.askers ?? [];
      if (asker === undefined) return;
      const results = await tryWith(left, asker.caller);
      const again: Load<Key, Answer>[] = [];
      let hasFailed = false;
      for (const load of left) {
        const outcome = results.get(load.key) ?? notFound();
        const isOwnFault = outcome instanceof AppError && isOwn(load, outcome);
        const mayGoAgain = isOwnFault && (isRefusal(outcome) || mayFailOnceMore);
        if (!mayGoAgain) settle(load, outcome);
        else if (refuse(load, asker.person, outcome)) {
          again.push(load);
          hasFailed ||= !isRefusal(outcome);
        } else settle(load, outcome);
      }
      if (hasFailed) mayFailOnceMore = false;
      left = again;
    }
  };

  const flush = (): void => {
    const loads = due;
    due = [];
    const groups = new Map<string, Load<Key, Answer>[]>();
    for (const load of loads) {
      const name = load.isApart ? `${load.lane} of ${load.person}` : load.lane;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [load]);
      else group.push(load);
    }
    for (const group of groups.values()) {
      for (let from = 0; from < group.length; from += maxKeys) void run(group.slice(from, from + maxKeys));
    }
  };

  const begin = (which: Pick<Load<Key, Answer>, 'id' | 'key' | 'lane' | 'person' | 'isApart'>): Load<Key, Answer> => {
    const { id, key, lane, person, isApart } = which;
    const load: Load<Key, Answer> = {
      id,
      key,
      lane,
      person,
      isApart,
      ...neverInTurn,
      askers: new Set(),
      onDeserted: () => {},
    };
    underWay.set(id, [...loadsOf(id), load]);
    // After the promises of this tick: all calls of a batch, and of requests that came together, have asked by then.
    if (due.push(load) === 1) setImmediate(flush);
    return load;
  };

  /** A load that does not wait in the share of somebody else. */
  const findLoad = (id: string, person: string): Load<Key, Answer> | undefined => {
    const loads = loadsOf(id);
    return loads.find(({ isWaiting }) => !isWaiting) ?? loads.find((load) => load.person === person);
  };

  return {
    /** Rejects with what `load` rejects with, or with the reason of the caller's signal. */
    load: (key: Key, caller: Caller): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const { signal } = caller;
        if (signal?.aborted) return reject(signal.reason as Error);
        const person = askerOf(caller);
        const lane = unshared.isShared(key) ? everybody : person;
        const id = `${lane} ${key}`;
        const begun = findLoad(id, person);
        if (begun !== undefined) onJoin?.(caller.requestId);
        const load = begun ?? begin({ id, key, lane, person, isApart: underWay.has(id) });
        const leave = () => {
          asker.load.askers.delete(asker);
          giveUpIfDeserted(asker.load);
          reject(signal?.reason as Error);
        };
        const stopListening = signal === undefined ? () => {} : onAbort(signal, leave);
        const asker = { caller, person, load, resolve, reject, stopListening };
        load.askers.add(asker);
      }),
  };
};

export type SharedLoads<Key extends string | number, Answer> = ReturnType<typeof createSharedLoads<Key, Answer>>;
