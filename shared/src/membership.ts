import { equalsIgnoringAsciiCase } from './ascii-case.ts';
import type { SystemRole } from './roles.ts';

/** The systems and roles of one person. Null if unknown. */
export type Membership = { systems: readonly string[] | null; roles: readonly SystemRole[] | null };

/** Whether the person has the role in the system. Ignores ASCII case. */
export const hasRole = ({ roles }: Pick<Membership, 'roles'>, system: string, role: string): boolean =>
  roles?.some((held) => equalsIgnoringAsciiCase(held.system, system) && equalsIgnoringAsciiCase(held.role, role)) ??
  false;

/** Whether the person belongs to the system, by membership or by a role in it. Ignores ASCII case. */
export const inSystem = ({ systems, roles }: Membership, system: string): boolean =>
  (systems?.some((member) => equalsIgnoringAsciiCase(member, system)) ?? false) ||
  (roles?.some((held) => equalsIgnoringAsciiCase(held.system, system)) ?? false);
