import { hasRole, inSystem, type Membership, roleNameFault, type SystemRole, systemNameFault } from '@auth-bff/shared';
import type { Principal } from '../../src/token/principal.ts';
import { isRefusalError, RefusalError } from './refusals.ts';

/** What a route requires. `role` null: membership of the system. */
export type Requirement = { system: string; role: string | null };

/** The person's systems and roles, each with its system. */
export type ResolvedRoles = { systems: readonly string[]; roles: readonly SystemRole[] };

/**
 * Looks up the roles of a person whose token does not name them with their systems. An error refuses the request with 503
 * and the reason `roles_unavailable`.
 */
export type ResolveRoles = (principal: Principal, token: string) => ResolvedRoles | Promise<ResolvedRoles>;

/** Throws TypeError if the system or the role is not a valid name. */
export const toRequirement = (system: string, role?: string): Requirement => {
  const caller = role === undefined ? 'requireSystem' : 'requireRole';
  const fault = systemNameFault(system) ?? (role === undefined ? null : roleNameFault(role));
  if (fault !== null) throw new TypeError(`${caller}: ${fault}`);
  return { system: system.trim(), role: role?.trim() ?? null };
};

/** Null: the token does not say. */
const isMet = (membership: Membership, { system, role }: Requirement): boolean | null => {
  const { systems, roles } = membership;
  if (role === null) return inSystem(membership, system) || (systems === null && roles === null ? null : false);
  if (roles !== null) return hasRole(membership, system, role);
  return systems === null || inSystem(membership, system) ? null : false;
};

const toName = ({ system, role }: Requirement): string =>
  role === null ? `the system ${system}` : `the role ${role} in ${system}`;

const isResolved = (value: unknown): value is ResolvedRoles =>
  typeof value === 'object' &&
  value !== null &&
  'systems' in value &&
  Array.isArray(value.systems) &&
  'roles' in value &&
  Array.isArray(value.roles);

const resolve = async (resolveRoles: ResolveRoles, principal: Principal, token: string): Promise<ResolvedRoles> => {
  try {
    const resolved: unknown = await resolveRoles(principal, token);
    if (isResolved(resolved)) return resolved;
    throw new TypeError('resolveRoles: expected { systems: string[], roles: { system, role }[] }');
  } catch (error) {
    if (isRefusalError(error)) throw error;
    throw new RefusalError('roles_unavailable', 'The roles of the caller could not be looked up.', { cause: error });
  }
};

export type RequireOptions = {
  /** Null: no caller, on a public path. */
  principal: Principal | null;
  /** What proves the caller. Null: unknown, so that nothing can be looked up. */
  token: string | null;
  resolveRoles: ResolveRoles | undefined;
};

/** Throws RefusalError unless the caller has the system or the role, case-insensitively. */
export const requireMembership = async (
  requirement: Requirement,
  { principal, token, resolveRoles }: RequireOptions,
): Promise<void> => {
  if (principal === null) throw new RefusalError('no_token', 'The route needs a caller, but its path is public.');
  const told = isMet(principal, requirement);
  if (told === true) return;
  const lacks = `The caller lacks ${toName(requirement)}.`;
  if (told === false) throw new RefusalError('insufficient_permissions', lacks);
  if (resolveRoles === undefined || token === null) {
    throw new RefusalError(
      'roles_without_system',
      `The token names no system for its roles, so it is unknown whether the caller has ${toName(requirement)}. Set resolveRoles, such as bffRoles({ url }).`,
    );
  }
  if (isMet(await resolve(resolveRoles, principal, token), requirement) !== true) {
    throw new RefusalError('insufficient_permissions', lacks);
  }
};
