import type { Employee, PersonType, User } from '@auth-bff/shared';
import { z } from 'zod';
import { Id, OptionalText, RoleEntries, SystemNames, Text, Time, toRoles, toSystems } from './wire-values.ts';

/**
 * With `wire-roles.ts` the one place that reads the Auth Service's answers, in both of its dialects: unknown fields are
 * ignored, optional fields that are missing are null, and a field of the wrong type is a fault whose
 * path is told and whose value never is.
 */

/** What an answer may leave unsaid of a user. */
export type UserField = 'companyId' | 'department' | 'position' | 'isActive' | 'joinedAt' | 'systems' | 'roles';

/** A user, and the fields that the answer spoke of, if only to say null. */
export type UserRecord = { user: User; told: ReadonlySet<UserField> };

/** One set for all users of whom an answer spoke alike: memory keeps many. */
const sets = new Map<string, ReadonlySet<UserField>>();
const fieldsOf = (fields: UserField[]): ReadonlySet<UserField> => {
  const name = fields.join();
  const known = sets.get(name) ?? new Set(fields);
  sets.set(name, known);
  return known;
};

export const WireUser = z
  .object({
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
  })
  .transform((wire): UserRecord => {
    const spoken: Record<UserField, boolean> = {
      companyId: wire.company_id !== undefined,
      department: wire.department !== undefined,
      position: wire.position !== undefined,
      isActive: wire.is_active !== undefined,
      joinedAt: wire.date_joined !== undefined,
      systems: wire.systems !== undefined || wire.roles !== undefined || wire.system_roles !== undefined,
      roles: wire.roles !== undefined || wire.system_roles !== undefined,
    };
    const told = fieldsOf((Object.keys(spoken) as UserField[]).filter((field) => spoken[field]));
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
    return { user, told };
  });

export const WireEmployee = z
  .object({ id: Id, email: Text, first_name: Text, last_name: Text, status: OptionalText, created_at: Time })
  .transform(
    (wire): Employee => ({
      id: wire.id,
      email: wire.email,
      firstName: wire.first_name,
      lastName: wire.last_name,
      status: wire.status ?? null,
      createdAt: wire.created_at ?? null,
    }),
  );

/** A 404 of the deployed service that is about the user, and not about the path. */
export const WireUserGone = z.object({ error: z.string().regex(/^user not found\.?$/i) });

const WithId = z.object({ id: Id });

/** Many users, each still to be decoded by itself: one broken record must not cost the others. By id. */
export const WireUsers = z.unknown().transform((answer, context): Map<number, unknown> => {
  const entries = usersOf(answer);
  if (entries === null) {
    context.addIssue('expected {users: […]} or an object keyed by user id');
    return z.NEVER;
  }
  const byId = new Map<number, unknown>();
  for (const { path, entry, key } of entries) {
    // Where there is a key, it says who was asked: a record of somebody else under it must not pass for them.
    const id = key === null ? WithId.safeParse(entry).data?.id : Id.safeParse(key).data;
    if (id === undefined) {
      const at = key === null ? [...path, 'id'] : path;
      context.addIssue({ code: 'custom', path: at, message: 'expected a whole number of 1 or more' });
      return z.NEVER;
    }
    byId.set(id, entry);
  }
  return byId;
});

type UserEntry = { path: Array<string | number>; key: string | null; entry: unknown };

const usersOf = (answer: unknown): UserEntry[] | null => {
  if (typeof answer !== 'object' || answer === null) return null;
  const listed = Array.isArray(answer) ? answer : (answer as { users?: unknown }).users;
  if (Array.isArray(listed)) {
    const prefix = listed === answer ? [] : ['users'];
    return listed.map((entry, index) => ({ path: [...prefix, index], key: null, entry }));
  }
  const keyed = Object.entries(answer);
  return keyed.every(([key]) => /^\d+$/.test(key)) ? keyed.map(([key, entry]) => ({ path: [key], key, entry })) : null;
};

/** A token is valid: `{valid, user_id, user_type, …}`, or the caller's profile. Anything else says nothing. */
export const WireValidation = z
  .object({
    valid: z.boolean().optional(),
    id: Id.nullish(),
    user_id: Id.nullish(),
    user_type: OptionalText,
    token_validated_at: z.unknown().optional(),
  })
  .refine((wire) => wire.valid !== undefined || (wire.id ?? wire.user_id ?? wire.token_validated_at) != null, {
    error: 'expected {valid: …} or the profile of the caller',
  })
  .transform((wire) => ({
    isValid: wire.valid ?? true,
    id: wire.user_id ?? wire.id ?? null,
    type: wire.user_type ?? null,
  }));

/** Whose token it is: the one endpoint that tells employees from staff. */
export const WireMe = z
  .object({
    type: z.string(),
    data: z.object({ id: Id.nullish(), user_id: Id.nullish(), employee_id: Id.nullish() }),
  })
  .transform(({ type, data }): { type: PersonType | null; id: number | null } => ({
    type: type === 'employee' ? 'employee' : type === 'user' || type === 'staff' ? 'staff' : null,
    id: data.id ?? data.employee_id ?? data.user_id ?? null,
  }));

const OptionalToken = z.string().nullish();
/** What a sign-in says of the person, if it says anything that can be read. */
const SignedInPerson = z.object({ status: OptionalText, is_active: z.boolean().nullish() }).nullish().catch(null);

/** A sign-in, a second factor or a refresh: tokens where the body has them, whether a second factor is due, and the person's standing. */
export const WireGrant = z
  .object({
    access_token: OptionalToken,
    access: OptionalToken,
    refresh_token: OptionalToken,
    refresh: OptionalToken,
    requires_2fa: z.boolean().nullish(),
    requires_otp: z.boolean().nullish(),
    otp_required: z.boolean().nullish(),
    temporary_token: OptionalToken,
    success: z.boolean().nullish(),
    employee: SignedInPerson,
    user: SignedInPerson,
  })
  .transform((wire) => ({
    accessToken: wire.access_token || wire.access || null,
    refreshToken: wire.refresh_token || wire.refresh || null,
    isOtpRequired: wire.requires_2fa === true || wire.requires_otp === true || wire.otp_required === true,
    temporaryToken: wire.temporary_token || null,
    /** A refusal that comes with a status of success. */
    isRefused: wire.success === false,
    status: wire.employee?.status ?? wire.user?.status ?? null,
    isActive: wire.employee?.is_active ?? wire.user?.is_active ?? null,
  }));
