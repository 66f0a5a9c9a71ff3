import { hasRole, RoleName, SystemName } from '@auth-bff/shared';
import type { Principal } from '../token/principal.ts';
import { authenticationRequired, insufficientPermissions, type Refusal } from './refusals.ts';

/** The caller. Null: none, on a public path. Undefined: `requireAuth` did not run. */
export type RoleHolder = Pick<Principal, 'roles'> | null | undefined;

/**
 * Checks whether the caller has the role in the system, case-insensitively. Only roles that the token scopes to a system
 * count. Throws TypeError if the system or the role is not a valid name.
 */
export const createRoleGate = (system: string, role: string) => {
  for (const read of [SystemName.safeParse(system), RoleName.safeParse(role)]) {
    if (!read.success) throw new TypeError(`requireRole: ${read.error.issues[0]?.message}`);
  }
  return (caller: RoleHolder): Refusal | null => {
    if (caller === undefined) throw new Error('requireRole ran before requireAuth: register requireAuth first.');
    if (caller === null) return authenticationRequired;
    return hasRole(caller, system.trim(), role.trim()) ? null : insufficientPermissions;
  };
};
