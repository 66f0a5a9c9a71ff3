import type { AuthServiceClient } from '../auth-service/client.ts';
import { createBulkhead } from '../auth-service/bulkhead.ts';
import type { Caller } from '../auth-service/transport.ts';
import type { UserRecord } from '../auth-service/wire.ts';
import { AppError, isAppError } from '../errors.ts';
import type { LoadResults } from './shared-loads.ts';

export type UserLoadsOptions = {
  authService: Pick<AuthServiceClient, 'user' | 'users'>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** Which answer a record came in: about one user, or about many. */
export type LoadedUser = UserRecord & { from: 'one' | 'many' };

type Learnt = { isComplete: boolean; atMs: number };

const singlesAtATime = 16;
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
  /** The first comparison, which all loads wait for that need to know. */
  let firstLesson: Promise<unknown> | null = null;
  const oneAtATime = createBulkhead({ limit: singlesAtATime });

  const learn = (isComplete: boolean): void => {
    learnt = { isComplete, atMs: now() };
  };
  const isDue = () => !isLearning && (learnt === null || now() - learnt.atMs >= relearnAfterMs);

  const loadOne = async (id: number, caller: Caller): Promise<LoadedUser> =>
    oneAtATime(async () => ({ ...(await authService.user(id, caller)), from: 'one' }), caller.signal);

  const loadSingly = async (ids: readonly number[], caller: Caller): Promise<LoadResults<number, LoadedUser>> => {
    const outcomes = await Promise.all(
      ids.map((id) =>
        loadOne(id, caller).catch((error: unknown) => {
          if (isAppError(error)) return error;
          throw error;
        }),
      ),
    );
    return new Map(ids.map((id, index) => [id, outcomes[index] as LoadedUser | AppError]));
  };

  const loadTogether = async (ids: readonly number[], caller: Caller): Promise<LoadResults<number, LoadedUser>> => {
    const results: LoadResults<number, LoadedUser> = new Map();
    for (const [id, result] of await authService.users(ids, caller)) {
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
  const unattended = (caller: Caller): Caller => ({ ...caller, signal: undefined });

  const loadTogetherAndLearn = async (ids: readonly number[], caller: Caller) => {
    const results = await loadTogether(ids, caller);
    const many = found(results);
    if (many !== undefined && isDue()) {
      compareAside(async () => [many, await loadOne(many.user.id, unattended(caller))]);
    }
    return results;
  };

  /** The first time: what many are told of is not taken for complete before one was asked for both ways. */
  const loadUnlearnt = async (ids: readonly number[], caller: Caller): Promise<LoadResults<number, LoadedUser>> => {
    const results = await loadTogether(ids, caller);
    const many = found(results);
    if (many === undefined) return results;
    const { id } = many.user;
    const one = await loadOne(id, caller).catch((error: unknown) => {
      // Of this user alone; anything else is an outage, or the end of the caller's session.
      if (isAppError(error, 'user_not_found', 'insufficient_permissions', 'auth_service_contract')) return error;
      throw error;
    });
    results.set(id, one);
    if (!(one instanceof AppError)) learn(tellsNoLess(many, one));
    if (learnt?.isComplete) return results;
    const rest = ids.filter((other) => other !== id && results.has(other));
    for (const [other, result] of await loadSingly(rest, caller)) results.set(other, result);
    return results;
  };

  const loadComplete = async (ids: readonly number[], caller: Caller): Promise<LoadResults<number, LoadedUser>> => {
    await firstLesson?.catch(() => {});
    if (learnt === null) {
      const lesson = loadUnlearnt(ids, caller);
      firstLesson = lesson;
      return lesson;
    }
    if (learnt.isComplete) return loadTogetherAndLearn(ids, caller);
    const results = await loadSingly(ids, caller);
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
    complete: (ids: readonly number[], caller: Caller): Promise<LoadResults<number, LoadedUser>> =>
      ids.length === 1
        ? loadSingly(ids, caller)
        : loadComplete(ids, caller).catch((error: unknown) => {
            // Many cannot be asked for at once there.
            if (!isAppError(error, 'auth_service_contract')) throw error;
            learn(false);
            return loadSingly(ids, caller);
          }),

    /** In one request, whatever it tells. */
    many: loadTogetherAndLearn,
  };
};
