import { z } from 'zod';
import { equalsIgnoringAsciiCase, toAsciiUpperCase } from './ascii-case.ts';
import { schemaOf } from './schema-of.ts';

/** A role in one system. The system is in upper case; the role reads as the Auth Service spells it. */
export interface SystemRole {
  system: string;
  role: string;
}
export const SystemRole = schemaOf<SystemRole>()(z.object({ system: z.string(), role: z.string() }));

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

/** Input: the short name of a system. Converted to upper case. */
export const SystemName = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9_-]{1,32}$/, 'Expected the short name of a system, such as TTS: 1 to 32 letters, digits, _ or -')
  .transform(toAsciiUpperCase);

/** Input: the name of a role. */
export const RoleName = z
  .string()
  .trim()
  .min(1, 'Expected the name of a role, such as Technician')
  .max(100, 'Expected the name of a role: at most 100 characters');
