import { z } from 'zod';
import { Email, Password, SecondFactorCode } from './credentials.ts';
import { SystemRole } from './roles.ts';
import { schemaOf } from './schema-of.ts';

/** Staff and employees are different people, even if their ids are equal. */
export type PersonType = 'staff' | 'employee';
export const PersonType = schemaOf<PersonType>()(z.enum(['staff', 'employee']));

/** The person signed in, their systems and roles, and when the session expires. */
export interface Session {
  user: {
    id: number;
    type: PersonType;
    email: string | null;
    fullName: string | null;
  };
  systems: string[];
  roles: SystemRole[];
  expiresAt: Date;
  /** When to refresh the session: `TOKEN_REFRESH_THRESHOLD` before `expiresAt`, at most half of the lifetime before it. */
  refreshAt: Date;
}
export const Session = schemaOf<Session>()(
  z.object({
    user: z.object({
      id: z.number(),
      type: PersonType,
      email: z.string().nullable(),
      fullName: z.string().nullable(),
    }),
    systems: z.array(z.string()),
    roles: z.array(SystemRole),
    expiresAt: z.date(),
    refreshAt: z.date(),
  }),
);

/** State of the session; a missing session is not an error. `expired`: the request carries a refresh token, so a refresh may succeed. */
export type CurrentSession = { state: 'signed_in'; session: Session } | { state: 'expired' } | { state: 'signed_out' };
export const CurrentSession = schemaOf<CurrentSession>()(
  z.discriminatedUnion('state', [
    z.object({ state: z.literal('signed_in'), session: Session }),
    z.object({ state: z.literal('expired') }),
    z.object({ state: z.literal('signed_out') }),
  ]),
);

export const LoginInput = z.object({
  email: Email,
  password: Password,
  /** Default: staff. The BFF never tries both. */
  as: PersonType.optional(),
  captchaToken: z.string().min(1).max(8192).optional(),
});
export type LoginInput = z.infer<typeof LoginInput>;

export const VerifyOtpInput = z.object({
  /** The challenge from `session.login`. Valid for 10 minutes, one success, and at most five wrong codes. */
  challenge: z.string().min(1).max(16_384),
  code: SecondFactorCode,
});
export type VerifyOtpInput = z.infer<typeof VerifyOtpInput>;

export const ResendOtpInput = z.object({ challenge: z.string().min(1).max(16_384) });
export type ResendOtpInput = z.infer<typeof ResendOtpInput>;

/** The challenge that replaces the one sent: the code of that one is not valid any more. */
export interface ResendOtpAnswer {
  challenge: string;
}
export const ResendOtpAnswer = schemaOf<ResendOtpAnswer>()(z.object({ challenge: z.string() }));

const signedIn = z.object({ status: z.literal('signed_in'), session: Session });

export interface SignedIn {
  status: 'signed_in';
  session: Session;
}
export const SignedIn = schemaOf<SignedIn>()(signedIn);

export type LoginAnswer = SignedIn | { status: 'otp_required'; challenge: string };
export const LoginAnswer = schemaOf<LoginAnswer>()(
  z.discriminatedUnion('status', [signedIn, z.object({ status: z.literal('otp_required'), challenge: z.string() })]),
);

export const sessionEndReasons = ['session_ended', 'account_inactive'] as const;

/** The event of `session.onEnd`: the session was signed out, or its person was found inactive. */
export interface SessionEndEvent {
  reason: (typeof sessionEndReasons)[number];
}
export const SessionEndEvent = schemaOf<SessionEndEvent>()(z.object({ reason: z.enum(sessionEndReasons) }));
