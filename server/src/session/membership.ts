import type { User } from '@auth-bff/shared';
import { isSync, type MaybePromise } from '../platform/maybe-promise.ts';
import type { DirectoryCaller } from '../directory/directory.ts';
import { isAppError } from '../errors.ts';
import type { Principal } from '../token/principal.ts';

export type MembershipOptions = {
  /** Looks up one staff user with the caller's token. */
  user: (id: number, caller: DirectoryCaller) => MaybePromise<User>;
};

/**
 * Completes the systems and roles that the token of a staff user lacks, from the user-info endpoint. Employees have only
 * those of their token, because user-info knows only staff.
 */
export const createMembership = ({ user }: MembershipOptions) => {
  /** The last completed form of each principal, and the record that it is from: the directory returns the same one again. */
  const completed = new WeakMap<Principal, { record: User; principal: Principal }>();

  const completeWith = (principal: Principal, record: User): Principal => {
    const known = completed.get(principal);
    if (known?.record === record) return known.principal;
    const full = {
      ...principal,
      email: principal.email ?? record.email,
      fullName: principal.fullName ?? (`${record.firstName} ${record.lastName}`.trim() || null),
      systems: principal.systems ?? record.systems ?? [],
      roles: principal.roles ?? record.roles ?? [],
    };
    completed.set(principal, { record, principal: full });
    return full;
  };
  const isComplete = ({ type, systems, roles }: Principal) =>
    type === 'employee' || (systems !== null && roles !== null);

  /** Keeps the principal if the lookup fails with an error for which `keeps` is true. */
  const complete = (
    principal: Principal,
    caller: DirectoryCaller,
    keeps: (error: unknown) => boolean,
  ): MaybePromise<Principal> => {
    const record = user(principal.id, caller);
    if (isSync(record)) return completeWith(principal, record);
    return record.then(
      (found) => completeWith(principal, found),
      (error: unknown) => {
        if (keeps(error)) return principal;
        throw error;
      },
    );
  };
  const isUnknownPerson = (error: unknown) => isAppError(error, 'user_not_found', 'insufficient_permissions');
  const isOtherThanEnd = (error: unknown) => isAppError(error) && !isAppError(error, 'session_ended');

  return {
    /** The principal for a decision by systems. A person unknown to user-info belongs to none. Throws during an outage. */
    toDecide: (principal: Principal, caller: DirectoryCaller): MaybePromise<Principal> =>
      principal.type === 'employee' || principal.systems !== null
        ? principal
        : complete(principal, caller, isUnknownPerson),

    /** As `toDecide`, for a decision by roles. */
    toDecideByRole: (principal: Principal, caller: DirectoryCaller): MaybePromise<Principal> =>
      isComplete(principal) ? principal : complete(principal, caller, isUnknownPerson),

    /** The principal for display. During an outage it may be incomplete. */
    toShow: (principal: Principal, caller: DirectoryCaller): MaybePromise<Principal> =>
      isComplete(principal) ? principal : complete(principal, caller, isOtherThanEnd),
  };
};

export type Membership = ReturnType<typeof createMembership>;
