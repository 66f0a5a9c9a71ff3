import { type SystemRole, toAsciiUpperCase } from '@auth-bff/shared';
import { z } from 'zod';
import { Id, OptionalText, RoleEntries, Text, toRoles } from './wire-values.ts';

// Response schemas of the endpoints that list role holders. The decoding rules are those of `wire.ts`.

/** Role holders: the guide's object, or a bare list, which does not name its system. */
export const WireUserIds = z.union(
  [
    z
      .object({ user_ids: z.array(Id), system: OptionalText })
      .transform(({ user_ids, system }) => ({ userIds: user_ids, system: system ?? null, isBare: false })),
    z.array(Id).transform((userIds) => ({ userIds, system: null, isBare: true })),
  ],
  'expected {user_ids: […]} or a list of whole numbers',
);

/** A person in a list, with the roles that the list reports. Disabled role assignments are removed. */
export type ListedPerson = { id: number; isActive: boolean | null; roles: SystemRole[] };

const WithRoles = z.object({ id: Id, is_active: z.boolean().nullish(), system_roles: RoleEntries }).transform(
  ({ id, is_active, system_roles }): ListedPerson => ({
    id,
    isActive: is_active ?? null,
    roles: toRoles(system_roles) ?? [],
  }),
);

/**
 * People with their roles. `all_users` of the deployed service is ignored: it also contains employees, whose ids
 * overlap with those of staff.
 */
export const WirePeopleWithRoles = z.object({ users: z.array(WithRoles) }).transform(({ users }) => users);

/** The people of one system, one entry per person and role. The deployed service does not report who is active. */
export const WireSystemUsers = z
  .object({
    system: z.object({ slug: Text }),
    users: z.array(z.object({ id: Id, role: Text, system_slug: OptionalText, is_active: z.boolean().nullish() })),
  })
  .transform(({ system, users }): { system: string; people: ListedPerson[] } => ({
    system: toAsciiUpperCase(system.slug),
    people: users.map(({ id, role, system_slug, is_active }) => ({
      id,
      isActive: null,
      roles: is_active === false ? [] : [{ system: toAsciiUpperCase(system_slug || system.slug), role }],
    })),
  }));
