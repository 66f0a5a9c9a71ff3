import type { Employee, User, UsersAnswer } from '@auth-bff/shared';
import type { AuthServiceClient } from '../auth-service/client.ts';
import { toInactiveStatus } from '../auth-service/inactive-status.ts';
import { type Caller, personOf } from '../auth-service/caller.ts';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import type { Subject } from '../token/principal.ts';
import { createReadThroughCache, type DirectoryCaller } from './read-through.ts';
import type { CacheResult, Lifetimes, Staleness, SwrCacheOptions } from './swr-cache.ts';
import { createUserReads, userNotFound } from './user-reads.ts';

export type { DirectoryCaller } from './read-through.ts';

export type DirectoryLifetimes = {
  /** Users, employees and profiles. */
  people: Lifetimes;
  /** Lists of role holders. */
  roles: Lifetimes;
  /** Maximum of cached entries per kind. */
  maxEntries: number;
};

/** Each kind has its own cache. */
export type DirectoryKind = 'user' | 'employee' | 'company_id' | 'profile' | 'role';

export type DirectoryOptions = {
  authService: AuthServiceClient;
  lifetimes: DirectoryLifetimes;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Runs for each lookup, except lookups of per-caller keys, which bypass the cache. */
  onLookup?: (kind: DirectoryKind, result: CacheResult, requestId: string | undefined) => void;
  /** Runs for each lookup that joins a load in flight. */
  onSharedLoad?: (kind: DirectoryKind, requestId: string | undefined) => void;
};

export type RoleName = { system: string; role: string };

const isInactive = (record: User | Employee): boolean =>
  'status' in record ? toInactiveStatus(record.status) !== null : record.isActive === false;

/**
 * Users and employees of the Auth Service: shared loads (`shared-loads.ts`), cached with stale-while-revalidate
 * (`swr-cache.ts`), and loaded in bulk where that is complete (`user-loads.ts`).
 *
 * All staff share one cache, because the Auth Service shows each user to all staff alike. Each load uses the token of one
 * of the callers that wait for it.
 */
export const createDirectory = ({ authService, lifetimes, now, onLookup, onSharedLoad }: DirectoryOptions) => {
  const optionsOf = (kind: DirectoryKind, times: Lifetimes = lifetimes.people) => {
    const cacheOptions: SwrCacheOptions = {
      ...times,
      maxEntries: lifetimes.maxEntries,
      now,
      onResult: onLookup && ((result, requestId) => onLookup(kind, result, requestId)),
    };
    const onJoin = onSharedLoad && ((requestId: string | undefined) => onSharedLoad(kind, requestId));
    return { cacheOptions, onJoin, notFound: userNotFound };
  };

  const users = createUserReads({ authService, ...optionsOf('user') });
  const employees = createReadThroughCache({
    ...optionsOf('employee'),
    load: (id, caller) => authService.employee(Number(id), caller),
  });
  const byCompanyId = createReadThroughCache({
    ...optionsOf('company_id'),
    load: (companyId, caller) => authService.userByCompanyId(companyId, caller),
  });
  const profiles = createReadThroughCache<User | Employee>({
    ...optionsOf('profile'),
    load: (_person, caller: Caller) =>
      caller.type === 'staff' ? authService.staffProfile(caller) : authService.employeeProfile(caller),
  });
  const roleLists = createReadThroughCache({
    ...optionsOf('role', lifetimes.roles),
    load: (key, caller) => {
      const [system = '', role = ''] = JSON.parse(key) as string[];
      return authService.userIdsByRole({ system, role }, caller);
    },
  });
  const caches = [users, employees, byCompanyId, profiles, roleLists];

  return {
    /** One user with all fields that the Auth Service reports. Throws `user_not_found`. */
    user: (id: number, caller: DirectoryCaller): MaybePromise<User> => users.one(id, caller),

    /** In the requested order, each user once. Fails if any part fails. Synchronous if all users are cached. */
    users: (ids: readonly number[], caller: DirectoryCaller): MaybePromise<UsersAnswer> => users.many(ids, caller),

    /** Throws `user_not_found`, also for an employee's company id. */
    userByCompanyId: (companyId: string, caller: DirectoryCaller): MaybePromise<User> =>
      byCompanyId.get(companyId, caller),

    /** The ids of everyone with the role. Empty if the role is unknown. */
    userIdsByRole: ({ system, role }: RoleName, caller: DirectoryCaller): MaybePromise<number[]> =>
      // The key keeps the spelling, because the Auth Service decides whether case matters.
      roleLists.get(JSON.stringify([system, role]), caller),

    /** Does not check permissions: that is up to the calling code. Throws `employee_not_found`. */
    employee: (id: number, caller: DirectoryCaller): MaybePromise<Employee> => employees.get(String(id), caller),

    /** The caller's own profile. */
    me: (caller: DirectoryCaller): MaybePromise<User | Employee> => profiles.get(personOf(caller), caller),

    /**
     * Forgets the cached records of a person that has changed, in this process. `companyId` is their company id, if it is
     * known.
     */
    forget({ type, id }: Subject, { companyId = null }: { companyId?: string | null } = {}): void {
      profiles.forget(personOf({ type, id }));
      if (type === 'staff') users.forget(id);
      else employees.forget(String(id));
      if (companyId !== null) byCompanyId.forget(companyId);
    },

    /** Whether a fresh cached record marks the person as inactive. Synchronous. */
    isKnownInactive({ type, id }: Subject): boolean {
      const profile = profiles.peekFresh(personOf({ type, id }));
      const record = type === 'staff' ? users.peekFresh(id) : employees.peekFresh(String(id));
      return [profile, record].some((known) => known !== undefined && isInactive(known));
    },

    /** Null while all caches can be refreshed. */
    staleness(): Staleness | null {
      const parts = caches.flatMap((cache) => cache.staleness() ?? []);
      if (parts.length === 0) return null;
      return {
        sinceMs: Math.min(...parts.map(({ sinceMs }) => sinceMs)),
        lastMs: Math.max(...parts.map(({ lastMs }) => lastMs)),
      };
    },
  };
};

export type Directory = ReturnType<typeof createDirectory>;
