import type { PersonType, Profile } from '@auth-bff/shared';
import { z } from 'zod';
import { Id, OptionalText, RoleEntries, SystemNames, Text, Time, toRoles, toSystems } from '../wire-values.ts';
import { isObject } from '../../platform/is-object.ts';

// Response schemas of people's own accounts. The decoding rules are those of `wire.ts`.

/** Services that clear a value by an empty text also answer with one. */
const toText = (text: string | null | undefined): string | null => (text?.trim() ? text : null);

const WireProfileFields = z.object({
  id: Id,
  email: Text,
  username: OptionalText,
  first_name: Text,
  middle_name: OptionalText,
  last_name: Text,
  suffix: OptionalText,
  full_name: OptionalText,
  phone_number: OptionalText,
  company_id: OptionalText,
  department: OptionalText,
  status: OptionalText,
  is_active: z.boolean().nullish(),
  profile_picture: OptionalText,
  profile_pic: OptionalText,
  otp_enabled: z.boolean().nullish(),
  date_joined: Time,
  created_at: Time,
  last_login: Time,
  systems: SystemNames,
  roles: RoleEntries,
  system_roles: RoleEntries,
});

/** The deployed service answers an employee's changes with `{employee: {…}}`. */
const unwrap = (body: unknown): unknown => {
  if (!isObject(body) || body.id !== undefined) return body;
  return [body.employee, body.user, body.data].find(isObject) ?? body;
};

export type WireProfileOptions = {
  type: PersonType;
  /** The address of a picture for browsers, or null. */
  toPictureUrl: (picture: string) => string | null;
};

/** The profile of the caller, as the answer to a request for it or to a change. */
export const createWireProfile = ({ type, toPictureUrl }: WireProfileOptions) =>
  z.preprocess(unwrap, WireProfileFields).transform((wire): Profile => {
    const { first_name: firstName, last_name: lastName } = wire;
    const [middleName, suffix] = [toText(wire.middle_name), toText(wire.suffix)];
    const picture = wire.profile_picture ?? wire.profile_pic ?? null;
    const roles = toRoles(wire.roles) ?? toRoles(wire.system_roles);
    return {
      type,
      id: wire.id,
      email: wire.email,
      username: toText(wire.username),
      firstName,
      middleName,
      lastName,
      suffix,
      fullName: toText(wire.full_name) ?? [firstName, middleName, lastName, suffix].filter(Boolean).join(' '),
      phoneNumber: toText(wire.phone_number),
      companyId: toText(wire.company_id),
      department: toText(wire.department),
      status: toText(wire.status),
      isActive: wire.is_active ?? null,
      pictureUrl: picture === null ? null : toPictureUrl(picture),
      secondFactor: wire.otp_enabled ?? null,
      joinedAt: wire.date_joined ?? wire.created_at ?? null,
      lastSignInAt: wire.last_login ?? null,
      systems: toSystems(wire.systems, roles) ?? [],
      roles: roles ?? [],
    };
  });
