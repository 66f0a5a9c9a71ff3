import type { User } from '@auth-bff/shared';
import type { MaybePromise } from '../platform/maybe-promise.ts';
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
  const complete = async (principal: Principal, caller: DirectoryCaller): Promise<Principal> => {
    const record = await user(principal.id, caller);
    return {
      ...principal,
      email: principal.email ?? record.email,
      fullName: principal.fullName ?? (`${record.firstName} ${record.lastName}`.trim() || null),
      systems: principal.systems ?? record.systems ?? [],
      roles: principal.roles ?? record.roles ?? [],
    };
  };
  const isComplete = ({ type, systems, roles }: Principal) =>
    type === 'employee' || (systems !== null && roles !== null);

  const completeOrKeep = (principal: Principal, caller: DirectoryCaller): Promise<Principal> =>
    complete(principal, caller).catch((error: unknown) => {
      if (isAppError(error, 'user_not_found', 'insufficient_permissions')) return principal;
      throw error;
    });

  return {
    /** The principal for a decision by systems. A person unknown to user-info belongs to none. Throws during an outage. */
    async toDecide(principal: Principal, caller: DirectoryCaller): Promise<Principal> {
      return principal.type === 'employee' || principal.systems !== null
        ? principal
        : completeOrKeep(principal, caller);
    },
    /** As `toDecide`, for a decision by roles. */
    async toDecideByRole(principal: Principal, caller: DirectoryCaller): Promise<Principal> {
      return isComplete(principal) ? principal : completeOrKeep(principal, caller);
    },
    /** The principal for display. During an outage it may be incomplete. */
    async toShow(principal: Principal, caller: DirectoryCaller): Promise<Principal> {
      if (isComplete(principal)) return principal;
      return complete(principal, caller).catch((error: unknown) => {
        if (isAppError(error, 'session_ended') || !isAppError(error)) throw error;
        return principal;
      });
    },
  };
};

export type Membership = ReturnType<typeof createMembership>;
