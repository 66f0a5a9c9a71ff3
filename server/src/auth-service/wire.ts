import type { Employee, PersonType } from '@auth-bff/shared';
import { z } from 'zod';
import { Id, isId, OptionalText, Text, Time } from './wire-values.ts';

// Response schemas of the Auth Service, for the guide's dialect and the deployed one. Unknown fields are ignored. Missing
// optional fields become null. A field of the wrong type is an error that names the path, never the value.

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

/** User entries by id. Each is decoded on its own later, so that one broken record does not fail the others. */
export const WireUsers = z.unknown().transform((body, context): Map<number, unknown> => {
  const list = userListOf(body);
  if (list === null) {
    context.addIssue('expected {users: […]} or an object keyed by user id');
    return z.NEVER;
  }
  const byId = new Map<number, unknown>();
  for (const [key, entry] of list.entries) {
    // A key takes precedence over the record's id: a record of another user under it must not pass as the requested one.
    const id = readId(list.isKeyed ? key : (entry as { id?: unknown } | null)?.id);
    if (id === undefined) {
      const path = list.isKeyed ? [key] : [...list.path, key, 'id'];
      context.addIssue({ code: 'custom', path, message: 'expected a whole number of 1 or more' });
      return z.NEVER;
    }
    byId.set(id, entry);
  }
  return byId;
});

/** Undefined if the value is not an id. */
const readId = (value: unknown): number | undefined => (isId(value) ? value : Id.safeParse(value).data);

type UserList = { path: string[]; isKeyed: boolean; entries: Iterable<[string | number, unknown]> };

/** Null if the body is neither a list nor an object keyed by id. */
const userListOf = (body: unknown): UserList | null => {
  if (typeof body !== 'object' || body === null) return null;
  const list: unknown = Array.isArray(body) ? body : (body as { users?: unknown }).users;
  if (Array.isArray(list)) return { path: list === body ? [] : ['users'], isKeyed: false, entries: list.entries() };
  const keyed = Object.entries(body);
  return keyed.every(([key]) => /^\d+$/.test(key)) ? { path: [], isKeyed: true, entries: keyed } : null;
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
