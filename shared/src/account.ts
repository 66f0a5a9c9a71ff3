import { z } from 'zod';
import { Email, NewPassword, Password, SecondFactorCode } from './credentials.ts';
import { SystemRole } from './roles.ts';
import { schemaOf } from './schema-of.ts';
import { PersonType } from './session.ts';

/** The signed-in person, with what only they themselves may see. `null`: the Auth Service does not provide the value. */
export interface Profile {
  type: PersonType;
  /** Staff and employees are different people, even if their ids are equal. */
  id: number;
  email: string;
  username: string | null;
  firstName: string;
  middleName: string | null;
  lastName: string;
  suffix: string | null;
  fullName: string;
  /** As the Auth Service stores it: usually E.164, such as +639171234567. */
  phoneNumber: string | null;
  companyId: string | null;
  department: string | null;
  status: string | null;
  isActive: boolean | null;
  /** On the host that browsers reach: AUTH_SERVICE_PUBLIC_URL. */
  pictureUrl: string | null;
  /** Whether a sign-in needs a code as well. */
  secondFactor: boolean | null;
  joinedAt: Date | null;
  lastSignInAt: Date | null;
  systems: string[];
  roles: SystemRole[];
}
export const Profile = schemaOf<Profile>()(
  z.object({
    type: PersonType,
    id: z.number(),
    email: z.string(),
    username: z.string().nullable(),
    firstName: z.string(),
    middleName: z.string().nullable(),
    lastName: z.string(),
    suffix: z.string().nullable(),
    fullName: z.string(),
    phoneNumber: z.string().nullable(),
    companyId: z.string().nullable(),
    department: z.string().nullable(),
    status: z.string().nullable(),
    isActive: z.boolean().nullable(),
    pictureUrl: z.string().nullable(),
    secondFactor: z.boolean().nullable(),
    joinedAt: z.date().nullable(),
    lastSignInAt: z.date().nullable(),
    systems: z.array(z.string()),
    roles: z.array(SystemRole),
  }),
);

const text = (max: number) => z.string().trim().max(max, `Expected at most ${max} characters`);
/** `null` and an empty text clear the value. */
const clearable = (max: number) => text(max).nullable().optional();
const required = (what: string, max: number) => text(max).min(1, `Expected ${what}`);

/** The fields of a profile that a person may ask to change. Which of them they may change, the Auth Service decides. */
export const UpdateProfileInput = z
  .strictObject(
    {
      username: clearable(150),
      firstName: required('a first name', 150).optional(),
      middleName: clearable(150),
      lastName: required('a last name', 150).optional(),
      suffix: clearable(10),
      phoneNumber: clearable(20),
      department: clearable(150),
    },
    {
      // zod's own message quotes the names of other fields, which may be anything, and messages are logged.
      error: ({ code }) =>
        code === 'unrecognized_keys'
          ? 'Expected no fields but username, firstName, middleName, lastName, suffix, phoneNumber and department'
          : undefined,
    },
  )
  .refine((changes) => Object.values(changes).some((value) => value !== undefined), {
    error: 'Expected at least one field to change',
  });
export type UpdateProfileInput = z.infer<typeof UpdateProfileInput>;

export const ChangePasswordInput = z.object({
  currentPassword: Password,
  newPassword: NewPassword,
  /** Whether all other sessions of the person end. Default true: the Auth Service itself ends none. */
  endOtherSessions: z.boolean().optional(),
});
export type ChangePasswordInput = z.infer<typeof ChangePasswordInput>;

export const RequestPasswordResetInput = z.object({
  email: Email.regex(/^[^\s@]+@[^\s@]+$/, 'Expected an e-mail address such as ana@example.com'),
  /** Default: staff. The BFF never tries both. */
  as: PersonType.optional(),
});
export type RequestPasswordResetInput = z.infer<typeof RequestPasswordResetInput>;

/** The token in the link of a password-reset mail. */
export const resetTokenPattern = /^[\w-]{8,512}$/;

export const ResetPasswordInput = z.object({
  /** The token of the link in the mail. */
  token: z.string().trim().regex(resetTokenPattern, 'Expected the token of the link in the mail'),
  newPassword: NewPassword,
  /** Default: staff. The link says which: `as=employee`. */
  as: PersonType.optional(),
});
export type ResetPasswordInput = z.infer<typeof ResetPasswordInput>;

export const SecondFactorInput = z.discriminatedUnion('action', [
  z.object({ action: z.literal('enable'), password: Password }),
  z.object({ action: z.literal('requestCode') }),
  z.object({
    action: z.literal('disable'),
    password: Password,
    /** Staff need one, from `requestCode`. Employees need none. */
    code: SecondFactorCode.optional(),
  }),
]);
export type SecondFactorInput = z.infer<typeof SecondFactorInput>;
