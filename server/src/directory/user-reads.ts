import type { User, UsersAnswer } from '@auth-bff/shared';
import type { AuthServiceClient } from '../auth-service/client.ts';
import { createBulkhead } from '../auth-service/resilience/bulkhead.ts';
import { sourceNameOf } from '../auth-service/resilience/call-source.ts';
import type { UserRecord } from '../auth-service/wire-user.ts';
import { AppError, isAppError } from '../errors.ts';
import { after, all, isSync, type MaybePromise } from '../platform/maybe-promise.ts';
import { recordsPerSlice, slices } from '../platform/cooperative-yield.ts';
import { createPerCallerKeys } from './per-caller-keys.ts';
import { type DirectoryCaller, forgetKey, type ReadThrough, readAllThrough, readThrough } from './read-through.ts';
import { createSharedLoads } from './shared-loads.ts';
import { createSwrCache, type SwrCacheOptions } from './swr-cache.ts';
import { createUserLoads } from './user-loads.ts';

export type UserReadsOptions = {
  authService: AuthServiceClient;
  cacheOptions: SwrCacheOptions;
  /** Runs for each lookup that joins a load in flight. */
  onJoin?: ((requestId: string | undefined) => void) | undefined;
};

/** Maximum of ids in one request to the Auth Service. */
const idsPerRequest = 100;

/**
 * Requests that one person's lookups may prepare at once: as many as the person may have in flight. The rest waits as
 * plain ids, because the objects of many pending loads cause long garbage-collection pauses.
 */
const requestsPerPerson = 16;

type UserSource = ReadThrough<number, UserRecord>;

const chunk = <Item>(items: readonly Item[], size: number): ReadonlyArray<readonly Item[]> =>
  items.length <= size
    ? [items]
    : Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
        items.slice(index * size, (index + 1) * size),
      );

/** Prevents an unhandled rejection if the promise rejects before it is awaited. */
const markHandled = <Value>(value: MaybePromise<Value>): MaybePromise<Value> => {
  if (!isSync(value)) value.catch(() => {});
  return value;
};

export const userNotFound = () => new AppError('user_not_found');

const toUser = ({ user }: UserRecord): User => user;
const isUserNotFound = (error: unknown): boolean => isAppError(error, 'user_not_found');

/** Null for ids that do not exist. */
type FoundUsers = MaybePromise<Array<UserRecord | null>>;

const readAll = (source: UserSource, ids: readonly number[], caller: DirectoryCaller): FoundUsers =>
  readAllThrough(source, ids, caller, isUserNotFound);

const toAnswer = (ids: readonly number[], found: ReadonlyArray<UserRecord | null>): UsersAnswer => ({
  users: found.filter((loaded) => loaded !== null).map(({ user }) => user),
  notFound: ids.filter((_id, index) => found[index] === null),
});

/** Reads single users and lists of users from one cache. */
export const createUserReads = ({ authService, cacheOptions, onJoin }: UserReadsOptions) => {
  const { now } = cacheOptions;
  const userLoads = createUserLoads({ authService, now });
  const cache = createSwrCache<UserRecord, number>(cacheOptions);
  const perCallerKeys = createPerCallerKeys<number>({ now });
  const loadOptions = {
    notFound: userNotFound,
    perCallerKeys,
    onJoin,
    maxKeys: idsPerRequest,
    onOutcome: cache.store,
  };
  const complete: UserSource = {
    cache,
    perCallerKeys,
    loads: createSharedLoads<number, UserRecord>({ ...loadOptions, load: userLoads.complete }),
    isSufficient: userLoads.isComplete,
  };
  const bulk: UserSource = {
    cache,
    perCallerKeys,
    loads: createSharedLoads<number, UserRecord>({ ...loadOptions, load: userLoads.bulk }),
  };
  const runInBulkhead = createBulkhead({ limitPerSource: requestsPerPerson });

  /** Reads ids of which some are not cached. */
  const loadChunk = (source: UserSource, ids: readonly number[], caller: DirectoryCaller) => {
    const sourceName = sourceNameOf(caller);
    return runInBulkhead(
      async () => {
        await slices.takeAgain(ids.length, sourceName);
        return readAll(source, ids, caller);
      },
      { source: sourceName, signal: caller.getSignal?.() ?? caller.signal },
    );
  };

  const isCached = (id: number): boolean => cache.peekFresh(id) !== undefined;

  /** Reads a slice: at once if it fits into one request or is cached, else one request after another. */
  const readSlice = (source: UserSource, ids: readonly number[], caller: DirectoryCaller): FoundUsers => {
    if (ids.length <= idsPerRequest || ids.every(isCached)) return readAll(source, ids, caller);
    const parts = chunk(ids, idsPerRequest).map((part) => loadChunk(source, part, caller));
    return Promise.all(parts).then((found) => found.flat());
  };

  /** Waits for a turn of the event loop before each slice that needs one. */
  const readSlices = (source: UserSource, ids: readonly number[], caller: DirectoryCaller): FoundUsers => {
    const sourceName = sourceNameOf(caller);
    const [first = [], ...others] = chunk(ids, recordsPerSlice);
    const turn = slices.take(first.length, sourceName);
    if (turn === undefined && others.length === 0) return readSlice(source, first, caller);
    const readOn = async (): Promise<Array<UserRecord | null>> => {
      await turn;
      const parts = [markHandled(readSlice(source, first, caller))];
      for (const slice of others) {
        await slices.take(slice.length, sourceName);
        parts.push(markHandled(readSlice(source, slice, caller)));
      }
      return (await all(parts)).flat();
    };
    return readOn();
  };

  return {
    staleness: cache.staleness,
    forget(id: number): void {
      for (const source of [complete, bulk]) forgetKey(source, id);
    },
    peekFresh: (id: number): User | undefined => cache.peekFresh(id)?.user,

    /** One user with all fields that the Auth Service reports. Throws `user_not_found`. */
    one: (id: number, caller: DirectoryCaller): MaybePromise<User> => after(readThrough(complete, id, caller), toUser),

    /** In the requested order, each user once. Fails if any part fails. Synchronous if all users are cached. */
    many(requested: readonly number[], caller: DirectoryCaller): MaybePromise<UsersAnswer> {
      const ids = [...new Set(requested)];
      const users = readSlices(userLoads.isBulkComplete() ? complete : bulk, ids, caller);
      return after(users, (found) => toAnswer(ids, found));
    },
  };
};
