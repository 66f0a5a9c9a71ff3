import { type SystemRole, toAsciiUpperCase } from '@auth-bff/shared';
import { z } from 'zod';
import { Id, OptionalText, RoleEntries, Text, toRoles } from './wire-values.ts';

// Who has which role, in the shapes of all endpoints that say so. The rules are those of `wire.ts`.

/** People by role: the guide's object, or a bare list, which says nothing of the system it is for. */
export const WireUserIds = z.union(
  [
    z
      .object({ user_ids: z.array(Id), system: OptionalText })
      .transform(({ user_ids, system }) => ({ userIds: user_ids, system: system ?? null, isBare: false })),
    z.array(Id).transform((userIds) => ({ userIds, system: null, isBare: true })),
  ],
  'expected {user_ids: […]} or a list of whole numbers',
);

/** Somebody in a list, with their roles of all systems as far as the list tells. Assignments that are switched off are left out. */
export type ListedPerson = { id: number; isActive: boolean | null; roles: SystemRole[] };

const WithRoles = z.object({ id: Id, is_active: z.boolean().nullish(), system_roles: RoleEntries }).transform(
  ({ id, is_active, system_roles }): ListedPerson => ({
    id,
    isActive: is_active ?? null,
    roles: toRoles(system_roles) ?? [],
  }),
);

/**
 * People with their roles. Only `users` is read: the deployed service's `all_users` mixes employees in, whose numbers
 * staff have too.
 */
export const WirePeopleWithRoles = z.object({ users: z.array(WithRoles) }).transform(({ users }) => users);

/** The people of one system: an entry for each role of each person. The deployed service does not tell who is active. */
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
