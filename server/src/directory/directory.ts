import type { Employee, User, UsersAnswer } from '@auth-bff/shared';
import { createBulkhead } from '../auth-service/resilience/bulkhead.ts';
import { shareOf } from '../auth-service/resilience/call-source.ts';
import type { AuthServiceClient } from '../auth-service/client.ts';
import { toInactiveStatus } from '../auth-service/inactive-status.ts';
import { type Caller, personOf } from '../auth-service/transport.ts';
import { all, type MaybePromise, isSync } from '../platform/maybe-promise.ts';
import { AppError, isAppError } from '../errors.ts';
import { recordsPerSlice, slices } from '../platform/cooperative-yield.ts';
import type { Subject } from '../token/principal.ts';
import { createFreshness, type Freshness, type Lifetimes, type Recalled, type Staleness } from './freshness.ts';
import { createSharedLoads, type SharedLoads } from './shared-loads.ts';
import { createUnshared, type Unshared } from './unshared.ts';
import { createUserLoads, type LoadedUser } from './user-loads.ts';

export type DirectoryLifetimes = {
  /** Of people: users, employees, profiles. */
  people: Lifetimes;
  /** Of the lists of who has a role. */
  roles: Lifetimes;
  /** The most people remembered, of each kind. */
  maxEntries: number;
};

export type DirectoryOptions = {
  authService: AuthServiceClient;
  lifetimes: DirectoryLifetimes;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Told of each lookup, whether memory had the answer. Not of what somebody was denied: that is never looked for there. */
  onRecall?: (kind: DirectoryKind, how: Recalled, requestId: string | undefined) => void;
  /** Told of each lookup that joined one under way. */
  onJoin?: (kind: DirectoryKind, requestId: string | undefined) => void;
};

/** What is remembered, each on its own. */
export type DirectoryKind = 'user' | 'employee' | 'company_id' | 'profile' | 'role';

/** Who asks, and what to do where the answer is a stale one. Left out: it is never stale. */
export type Asking = Caller & {
  onStale?: (() => void) | undefined;
  /** Makes the caller's `signal`, once there is something to wait for. */
  left?: (() => AbortSignal) | undefined;
  /** The oldest answer that will do, in seconds. Default: as long as answers are fresh. */
  maxAgeSeconds?: number | undefined;
};

export type RoleName = { system: string; role: string };

/** The most ids in one request to the Auth Service. */
const idsPerRequest = 100;

/**
 * Of one person's lookups so many requests' worth of ids are under way at once: as many as the person may have requests.
 * What waits for them is not in memory yet. Each id that is loaded is some objects, and many such are a long pause for
 * garbage collection.
 */
const partsPerPerson = 16;

const inParts = <Item>(items: readonly Item[], size: number): ReadonlyArray<readonly Item[]> =>
  items.length <= size
    ? [items]
    : Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
        items.slice(index * size, (index + 1) * size),
      );

/** May fail before anybody waits for it. */
const heard = <Value>(value: MaybePromise<Value>): MaybePromise<Value> => {
  if (!isSync(value)) value.catch(() => {});
  return value;
};

const userNotFound = () => new AppError('user_not_found');

type Ask<Key extends string | number, Answer> = {
  key: Key;
  asking: Asking;
  known: Freshness<Answer>;
  unshared: Unshared<Key>;
  loads: SharedLoads<Key, Answer>;
  serves?: ((known: Answer) => boolean) | undefined;
};

const callerOf = ({ type, id, accessToken, isUnverified, requestId, address, signal, left }: Asking): Caller => ({
  type,
  id,
  accessToken,
  isUnverified,
  requestId,
  address,
  signal: left?.() ?? signal,
});

/** What is known (no promise where it is fresh), or else a load that all who ask share; what somebody was denied is loaded for each alone. */
const ask = <Key extends string | number, Answer>(options: Ask<Key, Answer>): MaybePromise<Answer> => {
  const { key, known, unshared, loads, serves } = options;
  const { onStale, requestId, maxAgeSeconds } = options.asking;
  const load = () => loads.load(key, callerOf(options.asking));
  if (!unshared.isShared(key)) return load();
  const reload = () => loads.load(key, callerOf({ ...options.asking, left: undefined, signal: undefined }));
  return known.recall({
    key: String(key),
    requestId,
    load,
    reload,
    onStale,
    serves,
    maxAgeSeconds,
  });
};

/**
 * Users and employees, asked of the Auth Service as seldom as can be, and known through its outages: loads are shared
 * (`shared-loads.ts`), answers remembered (`freshness.ts`), users loaded many at a time (`user-loads.ts`).
 *
 * All staff see the same of each user, as the Auth Service shows it to them, and so share what is remembered. Whatever
 * is asked for is asked with the token of one who asks for it.
 */
export const createDirectory = ({ authService, lifetimes, now, onRecall, onJoin }: DirectoryOptions) => {
  const { people, roles, maxEntries } = lifetimes;
  const remembered = { ...people, maxEntries, now };
  const told = (kind: DirectoryKind) => ({
    onRecall: onRecall && ((how: Recalled, requestId: string | undefined) => onRecall(kind, how, requestId)),
    onJoin: onJoin && ((requestId: string | undefined) => onJoin(kind, requestId)),
  });

  const userLoads = createUserLoads({ authService, now });
  const toldOfUsers = told('user');
  const users = createFreshness<LoadedUser>({ ...remembered, onRecall: toldOfUsers.onRecall });
  const unsharedUsers = createUnshared<number>({ now });
  const sharedUsers = {
    notFound: userNotFound,
    unshared: unsharedUsers,
    onJoin: toldOfUsers.onJoin,
    maxKeys: idsPerRequest,
    onOutcome: (id: number, outcome: LoadedUser | AppError) => users.remember(String(id), outcome),
  };
  const completeLoads = createSharedLoads<number, LoadedUser>({ ...sharedUsers, load: userLoads.complete });
  const anyLoads = createSharedLoads<number, LoadedUser>({ ...sharedUsers, load: userLoads.many });

  const inShare = createBulkhead({ limitPerSource: partsPerPerson });

  type UserLoad = { loads: typeof completeLoads; serves: (known: LoadedUser) => boolean };
  const complete: UserLoad = { loads: completeLoads, serves: userLoads.isComplete };
  const anything: UserLoad = { loads: anyLoads, serves: () => true };

  const oneUser = (id: number, asking: Asking, { loads, serves }: UserLoad): MaybePromise<User> => {
    const loaded = ask({ key: id, asking, known: users, unshared: unsharedUsers, loads, serves });
    return isSync(loaded) ? loaded.user : loaded.then(({ user }) => user);
  };

  /** Null: there is none. */
  const oneUserOrNone = (id: number, asking: Asking, load: UserLoad): MaybePromise<User | null> => {
    const user = oneUser(id, asking, load);
    if (isSync(user)) return user;
    return user.catch((error: unknown) => {
      if (isAppError(error, 'user_not_found')) return null;
      throw error;
    });
  };

  const lookUpAll = (ids: readonly number[], asking: Asking, load: UserLoad): MaybePromise<Array<User | null>> => {
    const sought = ids.map((id) => oneUserOrNone(id, asking, load));
    return all(sought);
  };

  /** Many at once, of whom some are not known. */
  const loadPart = (ids: readonly number[], asking: Asking, load: UserLoad): Promise<Array<User | null>> => {
    const source = shareOf(asking);
    return inShare(
      async () => {
        await slices.takeAgain(ids.length, source);
        return lookUpAll(ids, asking, load);
      },
      { source, signal: asking.left?.() ?? asking.signal },
    );
  };

  /** What is loaded one key at a time: remembered and shared by the same key. */
  const createRemembered = <Answer>(
    kind: DirectoryKind,
    load: (key: string, caller: Caller) => Promise<Answer>,
    times: Parameters<typeof createFreshness>[0] = remembered,
  ) => {
    const { onRecall: onKindRecall, onJoin: onKindJoin } = told(kind);
    const known = createFreshness<Answer>({ ...times, onRecall: onKindRecall });
    const unshared = createUnshared<string>({ now });
    const loads = createSharedLoads<string, Answer>({
      load: async ([key = ''], caller) => new Map([[key, await load(key, caller)]]),
      notFound: userNotFound,
      unshared,
      onOutcome: known.remember,
      onJoin: onKindJoin,
    });
    return {
      staleness: known.staleness,
      fresh: known.fresh,
      get: (key: string, asking: Asking): MaybePromise<Answer> => ask({ key, asking, known, unshared, loads }),
    };
  };

  const employees = createRemembered('employee', (id, caller) => authService.employee(Number(id), caller));
  const byCompanyId = createRemembered('company_id', (companyId, caller) =>
    authService.userByCompanyId(companyId, caller),
  );
  const profiles = createRemembered<User | Employee>('profile', (_person, caller) =>
    caller.type === 'staff' ? authService.staffProfile(caller) : authService.employeeProfile(caller),
  );
  const roleLists = createRemembered(
    'role',
    (key, caller) => {
      const [system = '', role = ''] = JSON.parse(key) as string[];
      return authService.userIdsByRole({ system, role }, caller);
    },
    { ...roles, maxEntries, now },
  );

  return {
    /** One user, no less of them than the Auth Service tells of one. Throws `user_not_found`. */
    user: (id: number, asking: Asking): MaybePromise<User> => oneUser(id, asking, complete),

    /** In the order asked, each once. One part failing fails the call. */
    async users(ids: readonly number[], asking: Asking): Promise<UsersAnswer> {
      const asked = [...new Set(ids)];
      const load = userLoads.manyAreComplete() ? complete : anything;
      const parts: Array<MaybePromise<Array<User | null>>> = [];
      for (const part of inParts(asked, recordsPerSlice)) {
        const turn = slices.take(part.length, shareOf(asking));
        if (turn !== undefined) await turn;
        const isShort = part.length <= idsPerRequest || part.every((id) => users.fresh(String(id)) !== undefined);
        if (isShort) parts.push(heard(lookUpAll(part, asking, load)));
        else for (const request of inParts(part, idsPerRequest)) parts.push(heard(loadPart(request, asking, load)));
      }
      const loaded = all(parts);
      const found = (isSync(loaded) ? loaded : await loaded).flat();
      return {
        users: found.filter((user) => user !== null),
        notFound: asked.filter((_id, index) => found[index] === null),
      };
    },

    /** Throws `user_not_found`, also where the company id is an employee's. */
    userByCompanyId: (companyId: string, asking: Asking): MaybePromise<User> => byCompanyId.get(companyId, asking),

    /** The ids of everybody who has the role. A role that nobody has, or nobody knows, is an empty list. */
    userIdsByRole: ({ system, role }: RoleName, asking: Asking): MaybePromise<number[]> =>
      // As it is spelt, since the Auth Service decides whether that matters.
      roleLists.get(JSON.stringify([system, role]), asking),

    /** Whoever asks this has to check who may. Throws `employee_not_found`. */
    employee: (id: number, asking: Asking): MaybePromise<Employee> => employees.get(String(id), asking),

    /** The caller's own profile. */
    me: (asking: Asking): MaybePromise<User | Employee> => profiles.get(personOf(asking), asking),

    /** Whether a fresh record in memory says that the person is inactive. Needs no I/O. */
    isKnownInactive({ type, id }: Subject): boolean {
      const profile = profiles.fresh(personOf({ type, id }));
      const record = type === 'staff' ? users.fresh(String(id))?.user : employees.fresh(String(id));
      return [profile, record].some(
        (known) =>
          known !== undefined &&
          ('status' in known ? toInactiveStatus(known.status) !== null : known.isActive === false),
      );
    },

    /** Null where nothing is stale for want of something newer. */
    staleness(): Staleness | null {
      const parts = [users, employees, byCompanyId, profiles, roleLists].flatMap((part) => part.staleness() ?? []);
      return parts.length === 0
        ? null
        : {
            sinceMs: Math.min(...parts.map(({ sinceMs }) => sinceMs)),
            lastMs: Math.max(...parts.map(({ lastMs }) => lastMs)),
          };
    },
  };
};

export type Directory = ReturnType<typeof createDirectory>;
