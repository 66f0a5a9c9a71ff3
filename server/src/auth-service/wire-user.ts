import type { User } from '@auth-bff/shared';
import { z } from 'zod';
import { Id, OptionalText, RoleEntries, SystemNames, Text, Time, toRoles, toSystems } from './wire-values.ts';

// Response schema of a staff user. The decoding rules are those of `wire.ts`.

/** Fields that a response may omit. */
export type UserField = 'companyId' | 'department' | 'position' | 'isActive' | 'joinedAt' | 'systems' | 'roles';

/**
 * `reported` holds the fields that the response contained, including those that were null. `source` is the lookup that
 * returned the record: of one user, or of several.
 */
export type UserRecord = { user: User; reported: ReadonlySet<UserField>; source: 'single' | 'bulk' };

/** Interned, because the cache holds many records with the same fields. At most 2^7 sets exist. */
const fieldSets = new Map<number, ReadonlySet<UserField>>();
const toFieldSet = (isReported: Record<UserField, boolean>): ReadonlySet<UserField> => {
  let bits = 0;
  for (const field in isReported) bits = bits * 2 + Number(isReported[field as UserField]);
  const known = fieldSets.get(bits);
  if (known !== undefined) return known;
  const fields = Object.keys(isReported) as UserField[];
  const created = new Set(fields.filter((field) => isReported[field]));
  fieldSets.set(bits, created);
  return created;
};

const WireUserFields = z.object({
  id: Id,
  email: Text,
  first_name: Text,
  last_name: Text,
  company_id: OptionalText,
  department: OptionalText,
  position: OptionalText,
  is_active: z.boolean().nullish(),
  date_joined: Time,
  systems: SystemNames,
  roles: RoleEntries,
  system_roles: RoleEntries,
});

export type UserFields = z.output<typeof WireUserFields>;

export const toUserRecord = (wire: UserFields, source: UserRecord['source']): UserRecord => {
  const reported = toFieldSet({
    companyId: wire.company_id !== undefined,
    department: wire.department !== undefined,
    position: wire.position !== undefined,
    isActive: wire.is_active !== undefined,
    joinedAt: wire.date_joined !== undefined,
    systems: wire.systems !== undefined || wire.roles !== undefined || wire.system_roles !== undefined,
    roles: wire.roles !== undefined || wire.system_roles !== undefined,
  });
  const roles = toRoles(wire.roles) ?? toRoles(wire.system_roles);
  const user: User = {
    id: wire.id,
    email: wire.email,
    firstName: wire.first_name,
    lastName: wire.last_name,
    companyId: wire.company_id ?? null,
    department: wire.department ?? null,
    position: wire.position ?? null,
    isActive: wire.is_active ?? null,
    joinedAt: wire.date_joined ?? null,
    systems: toSystems(wire.systems, roles),
    roles,
  };
  return { user, reported, source };
};

export const WireUser = WireUserFields.transform((wire) => toUserRecord(wire, 'single'));
/** A user in the response of a bulk lookup. */
export const WireBulkUser = WireUserFields.transform((wire) => toUserRecord(wire, 'bulk'));
