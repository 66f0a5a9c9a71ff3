import { z } from 'zod';
import { SystemRole } from './roles.ts';

/** Staff and employees are different people, even with equal ids. */
export const PersonType = z.enum(['staff', 'employee']);
export type PersonType = z.infer<typeof PersonType>;

/** The signed-in person, their memberships, and the times of expiry and refresh. */
export const Session = z.object({
  user: z.object({
    id: z.number(),
    type: PersonType,
    email: z.string().nullable(),
    fullName: z.string().nullable(),
  }),
  systems: z.array(z.string()),
  roles: z.array(SystemRole),
  expiresAt: z.date(),
  /** When to refresh the session: `TOKEN_REFRESH_THRESHOLD` before `expiresAt`, but at most half of its lifetime before. */
  refreshAt: z.date(),
});
export type Session = z.infer<typeof Session>;

/**
 * The state of the session. `expired`: the request carries a refresh token, so a refresh may help.
 */
export const CurrentSession = z.discriminatedUnion('state', [
  z.object({ state: z.literal('signed_in'), session: Session }),
  z.object({ state: z.literal('expired') }),
  z.object({ state: z.literal('signed_out') }),
]);
export type CurrentSession = z.infer<typeof CurrentSession>;

export const LoginInput = z.object({
  email: z.string().trim().min(1, 'Expected an e-mail address').max(254, 'Expected at most 254 characters'),
  password: z.string().min(1, 'Expected a password').max(1024, 'Expected at most 1024 characters'),
  /** Default `staff`. The server tries one type only. */
  as: PersonType.optional(),
  captchaToken: z.string().min(1).max(8192).optional(),
});
export type LoginInput = z.infer<typeof LoginInput>;

export const VerifyOtpInput = z.object({
  /** From `session.login`. Valid for 10 minutes, until the first success or the fifth wrong code. */
  challenge: z.string().min(1).max(16_384),
  code: z
    .string()
    .trim()
    .regex(/^[A-Za-z0-9]{4,10}$/, 'Expected a code of 4 to 10 letters or digits'),
});
export type VerifyOtpInput = z.infer<typeof VerifyOtpInput>;

export const SignedIn = z.object({ status: z.literal('signed_in'), session: Session });
export type SignedIn = z.infer<typeof SignedIn>;

export const LoginAnswer = z.discriminatedUnion('status', [
  SignedIn,
  z.object({ status: z.literal('otp_required'), challenge: z.string() }),
]);
export type LoginAnswer = z.infer<typeof LoginAnswer>;
