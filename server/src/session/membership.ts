import type { User } from '@auth-bff/shared';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import type { DirectoryCaller } from '../directory/directory.ts';
import { isAppError } from '../errors.ts';
import type { Principal } from '../token/principal.ts';

export type MembershipOptions = {
  /** One staff user, with the caller's own token. */
  user: (id: number, asking: DirectoryCaller) => MaybePromise<User>;
};

/**
 * Completes what a token does not say of a person's systems and roles from user-info. An employee has
 * what their token says, and nothing more: user-info is of staff alone.
 */
export const createMembership = ({ user }: MembershipOptions) => {
  const complete = async (principal: Principal, asking: DirectoryCaller): Promise<Principal> => {
    const found = await user(principal.id, asking);
    return {
      ...principal,
      email: principal.email ?? found.email,
      fullName: principal.fullName ?? (`${found.firstName} ${found.lastName}`.trim() || null),
      systems: principal.systems ?? found.systems ?? [],
      roles: principal.roles ?? found.roles ?? [],
    };
  };
  const isComplete = ({ type, systems, roles }: Principal) =>
    type === 'employee' || (systems !== null && roles !== null);

  return {
    /** For a decision: what the person belongs to. A person whom user-info does not know belongs to nothing; an outage is thrown. */
    async toDecide(principal: Principal, asking: DirectoryCaller): Promise<Principal> {
      // Systems are enough: no decision here asks for more than membership.
      if (principal.type === 'employee' || principal.systems !== null) return principal;
      return complete(principal, asking).catch((error: unknown) => {
        if (isAppError(error, 'user_not_found', 'insufficient_permissions')) return principal;
        throw error;
      });
    },
    /** To show: what is known. During an outage that may be nothing. */
    async toShow(principal: Principal, asking: DirectoryCaller): Promise<Principal> {
      if (isComplete(principal)) return principal;
      return complete(principal, asking).catch((error: unknown) => {
        if (isAppError(error, 'session_ended') || !isAppError(error)) throw error;
        return principal;
      });
    },
  };
};

export type Membership = ReturnType<typeof createMembership>;
