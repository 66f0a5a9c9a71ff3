import { hasRole, RoleName, SystemName } from '@auth-bff/shared';
import type { Principal } from '../token/principal.ts';
import { authenticationRequired, insufficientPermissions, type Refusal } from './refusals.ts';

/** Who comes with a request. Null: nobody, on a public path. Undefined: nobody has looked. */
export type Asking = Pick<Principal, 'roles'> | null | undefined;

/**
 * Decides whether the one who asks holds the role in the system, both compared without case. Only roles that the token
 * names with their system count. Throws TypeError where the system or the role is no name.
 */
export const createRoleGate = (system: string, role: string) => {
  for (const read of [SystemName.safeParse(system), RoleName.safeParse(role)]) {
    if (!read.success) throw new TypeError(`requireRole: ${read.error.issues[0]?.message}`);
  }
  return (asking: Asking): Refusal | null => {
    if (asking === undefined) throw new Error('requireRole stands where requireAuth has not run before it.');
    if (asking === null) return authenticationRequired;
    return hasRole(asking, system.trim(), role.trim()) ? null : insufficientPermissions;
  };
};
