import type { AuthServiceClient } from '../auth-service/client.ts';
import { createBulkhead } from '../auth-service/resilience/bulkhead.ts';
import { shareOf } from '../auth-service/resilience/call-source.ts';
import type { Caller } from '../auth-service/transport.ts';
import type { UserRecord } from '../auth-service/wire.ts';
import { AppError, isAppError } from '../errors.ts';
import type { LoadResults, TurnsOf } from './shared-loads.ts';

export type UserLoadsOptions = {
  authService: Pick<AuthServiceClient, 'user' | 'users'>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** Which answer a record came in: about one user, or about many. */
export type LoadedUser = UserRecord & { from: 'one' | 'many' };

type Learnt = { isComplete: boolean; atMs: number };

/** Requests of one person at once, about one user or many. The others wait here, where their deadlines do not run yet. */
const requestsPerPerson = 16;
const relearnAfterMs = 5 * 60_000;

const tellsNoLess = (many: UserRecord, one: UserRecord): boolean =>
  [...one.told].every((field) => many.told.has(field));

const found = (results: LoadResults<number, LoadedUser>): LoadedUser | undefined =>
  [...results.values()].find((result) => !(result instanceof AppError)) as LoadedUser | undefined;

/**
 * Loads users, many in one request where that tells as much of each as a request of its own would. Whether it does
 * is learnt from one user that is asked for both ways, and learnt anew every 5 minutes: services differ, and change.
 */
export const createUserLoads = ({ authService, now }: UserLoadsOptions) => {
  let learnt: Learnt | null = null;
  let isLearning = false;
  /** Of each person the first comparison, which their other loads wait for that need to know. */
  const firstLessons = new Map<string, Promise<unknown>>();
  const inShare = createBulkhead({ limitPerSource: requestsPerPerson });

  const learn = (isComplete: boolean): void => {
    learnt = { isComplete, atMs: now() };
  };
  const isDue = () => !isLearning && (learnt === null || now() - learnt.atMs >= relearnAfterMs);

  const turnOf = (caller: Caller) => ({ source: shareOf(caller), signal: caller.signal, onWait: caller.onWait });

  const loadOne = async (id: number, caller: Caller): Promise<LoadedUser> =>
    inShare(async () => ({ ...(await authService.user(id, caller)), from: 'one' }), turnOf(caller));

  const loadSingly = async (
    ids: readonly number[],
    caller: Caller,
    turnsOf: TurnsOf<number>,
  ): Promise<LoadResults<number, LoadedUser>> => {
    const outcomes = await Promise.all(
      ids.map((id) =>
        loadOne(id, { ...caller, ...turnsOf([id]) }).catch((error: unknown) => {
          if (isAppError(error)) return error;
          throw error;
        }),
      ),
    );
    return new Map(ids.map((id, index) => [id, outcomes[index] as LoadedUser | AppError]));
  };

  const loadTogether = async (ids: readonly number[], caller: Caller): Promise<LoadResults<number, LoadedUser>> => {
    const results: LoadResults<number, LoadedUser> = new Map();
    for (const [id, result] of await inShare(() => authService.users(ids, caller), turnOf(caller))) {
      results.set(id, result instanceof AppError ? result : { ...result, from: 'many' });
    }
    return results;
  };

  /** Compares what is told of one user both ways. What fails teaches nothing. */
  const compare = async (load: () => Promise<[many: UserRecord | undefined, one: UserRecord]>): Promise<void> => {
    isLearning = true;
    try {
      const [many, one] = await load();
      if (many !== undefined) learn(tellsNoLess(many, one));
    } finally {
      isLearning = false;
    }
  };

  /** Beside a load that others wait for: once that is answered, nobody waits for this. */
  const compareAside = (load: Parameters<typeof compare>[0]): void => {
    compare(load).catch(() => {});
  };
  const unattended = (caller: Caller): Caller => ({
    ...caller,
    signal: undefined,
    onWait: undefined,
    onBegin: undefined,
  });

  const loadTogetherAndLearn = async (ids: readonly number[], caller: Caller) => {
    const results = await loadTogether(ids, caller);
    const many = found(results);
    if (many !== undefined && isDue()) {
      compareAside(async () => [many, await loadOne(many.user.id, unattended(caller))]);
    }
    return results;
  };

  /** The first time: what many are told of is not taken for complete before one was asked for both ways. */
  const loadUnlearnt = async (
    ids: readonly number[],
    caller: Caller,
    turnsOf: TurnsOf<number>,
  ): Promise<LoadResults<number, LoadedUser>> => {
    const results = await loadTogether(ids, caller);
    const many = found(results);
    if (many === undefined) return results;
    const { id } = many.user;
    const one = await loadOne(id, { ...caller, ...turnsOf([id]) }).catch((error: unknown) => {
      // Of this user alone; anything else is an outage, or the end of the caller's session.
      if (isAppError(error, 'user_not_found', 'insufficient_permissions', 'auth_service_contract')) return error;
      throw error;
    });
    results.set(id, one);
    if (!(one instanceof AppError)) learn(tellsNoLess(many, one));
    if (learnt?.isComplete) return results;
    const rest = ids.filter((other) => other !== id && results.has(other));
    for (const [other, result] of await loadSingly(rest, caller, turnsOf)) results.set(other, result);
    return results;
  };

  const loadFirst: typeof loadUnlearnt = async (ids, caller, turnsOf) => {
    const share = shareOf(caller);
    const lesson = loadUnlearnt(ids, caller, turnsOf);
    firstLessons.set(share, lesson);
    try {
      return await lesson;
    } finally {
      if (firstLessons.get(share) === lesson) firstLessons.delete(share);
    }
  };

  const loadComplete: typeof loadUnlearnt = async (ids, caller, turnsOf) => {
    const lesson = firstLessons.get(shareOf(caller));
    if (lesson !== undefined) {
      // Others who asked for these ids too have no part in it.
      caller.onWait?.();
      await lesson.catch(() => {});
    }
    if (learnt === null) return loadFirst(ids, caller, turnsOf);
    if (learnt.isComplete) return loadTogetherAndLearn(ids, caller);
    const results = await loadSingly(ids, caller, turnsOf);
    const one = found(results);
    if (one !== undefined && isDue()) {
      const { id } = one.user;
      compareAside(async () => [found(await loadTogether([id], unattended(caller))), one]);
    }
    return results;
  };

  return {
    /** Whether many are told of as completely as one is, as far as is known. */
    manyAreComplete: () => learnt?.isComplete === true,
    /** Whether the record is all that the service tells of the user. */
    isComplete: ({ from }: LoadedUser): boolean => from === 'one' || learnt?.isComplete === true,

    /** No less of each user than a request of their own would tell. At most as many ids as the service takes. */
    complete: (
      ids: readonly number[],
      caller: Caller,
      turnsOf: TurnsOf<number>,
    ): Promise<LoadResults<number, LoadedUser>> =>
      ids.length === 1
        ? loadSingly(ids, caller, turnsOf)
        : loadComplete(ids, caller, turnsOf).catch((error: unknown) => {
            // Many cannot be asked for at once there.
            if (!isAppError(error, 'auth_service_contract')) throw error;
            learn(false);
            return loadSingly(ids, caller, turnsOf);
          }),

    /** In one request, whatever it tells. */
    many: loadTogetherAndLearn,
  };
};
