import type { Employee, PersonType, User } from '@auth-bff/shared';
import { z } from 'zod';
import { Id, OptionalText, RoleEntries, SystemNames, Text, Time, toRoles, toSystems } from './wire-values.ts';

// Response schemas of the Auth Service, for the guide's dialect and the deployed one. Unknown fields are ignored. Missing
// optional fields become null. A field of the wrong type is an error that names the path, never the value.

/** Fields that a response may omit. */
export type UserField = 'companyId' | 'department' | 'position' | 'isActive' | 'joinedAt' | 'systems' | 'roles';

/** `reported` holds the fields that the response contained, including those that were null. */
export type UserRecord = { user: User; reported: ReadonlySet<UserField> };

/** Interned, because the cache holds many records with the same fields. At most 2^7 sets exist. */
const fieldSets = new Map<string, ReadonlySet<UserField>>();
const toFieldSet = (fields: UserField[]): ReadonlySet<UserField> => {
  const name = fields.join();
  const known = fieldSets.get(name) ?? new Set(fields);
  fieldSets.set(name, known);
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
    const isReported: Record<UserField, boolean> = {
      companyId: wire.company_id !== undefined,
      department: wire.department !== undefined,
      position: wire.position !== undefined,
      isActive: wire.is_active !== undefined,
      joinedAt: wire.date_joined !== undefined,
      systems: wire.systems !== undefined || wire.roles !== undefined || wire.system_roles !== undefined,
      roles: wire.roles !== undefined || wire.system_roles !== undefined,
    };
    const reported = toFieldSet((Object.keys(isReported) as UserField[]).filter((field) => isReported[field]));
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
    return { user, reported };
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

/** Body of the deployed service's 404 for a missing user, as opposed to a missing path. */
export const WireUserGone = z.object({ error: z.string().regex(/^user not found\.?$/i) });

const WithId = z.object({ id: Id });

/** User entries by id. Each is decoded on its own later, so that one broken record does not fail the others. */
export const WireUsers = z.unknown().transform((body, context): Map<number, unknown> => {
  const entries = userEntriesOf(body);
  if (entries === null) {
    context.addIssue('expected {users: […]} or an object keyed by user id');
    return z.NEVER;
  }
  const byId = new Map<number, unknown>();
  for (const { path, entry, key } of entries) {
    // A key takes precedence over the record's id: a record of another user under it must not pass as the requested one.
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

/** Null if the body is neither a list nor an object keyed by id. */
const userEntriesOf = (body: unknown): UserEntry[] | null => {
  if (typeof body !== 'object' || body === null) return null;
  const list = Array.isArray(body) ? body : (body as { users?: unknown }).users;
  if (Array.isArray(list)) {
    const prefix = list === body ? [] : ['users'];
    return list.map((entry, index) => ({ path: [...prefix, index], key: null, entry }));
  }
  const keyed = Object.entries(body);
  if (!keyed.every(([key]) => /^\d+$/.test(key))) return null;
  return keyed.map(([key, entry]) => ({ path: [key], key, entry }));
};

/** Token validation: `{valid, user_id, user_type, …}`, or the caller's profile, which implies validity. */
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

/** Owner of a token. No other endpoint distinguishes employees from staff. */
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
/** Null if absent or unreadable. */
const SignedInPerson = z.object({ status: OptionalText, is_active: z.boolean().nullish() }).nullish().catch(null);

/** Body of a sign-in, second-factor or refresh response. Tokens may come as cookies instead. */
export const WireTokenResponse = z
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
    /** The service refused although the HTTP status is a success. */
    isRefused: wire.success === false,
    status: wire.employee?.status ?? wire.user?.status ?? null,
    isActive: wire.employee?.is_active ?? wire.user?.is_active ?? null,
  }));
