import { djangoCookies, setCookie } from '../cookies.ts';
import { type AuthResponse, json, readTexts } from '../http-messages.ts';
import { createAccountLockout } from '../account-lockout.ts';
import type { Staff, Subject } from '../people/people.ts';
import type { Dependencies } from '../dependencies.ts';
import { userIdOf } from '../tokens.ts';
import type { Handler, View } from './guards.ts';
import { staffProfile } from './profiles.ts';
import {
  captchaErrors,
  formError,
  signInError,
  signInErrorTexts,
  staffSignInError,
  tokenError,
} from './sign-in-errors.ts';

const TEMPORARY_TOKEN_SECONDS = 300;
const REFRESH_COOKIE_SECONDS = 7 * 24 * 60 * 60;
const MAX_FAILURES = 10;
const LOCK_DURATION_MS = 15 * 60_000;

const subjectOf = ({ id }: Staff): Subject => ({ type: 'staff', id });

/** Only staff with the role Employee in HDTS need approval before sign-in. */
const approvalError = ({ status, roles }: Staff): string | null => {
  const needsApproval = roles.some(({ system, role }) => system === 'HDTS' && role === 'Employee');
  if (!needsApproval || status === 'Approved') return null;
  return status === 'Pending' ? signInErrorTexts.staffPending : signInErrorTexts.staffRejected;
};

/** Staff sign-in and second factor. Tokens are in the body; the cookies are Django's session and CSRF cookies. */
export const createStaffSignIn = ({ people, tokens, captcha, secondFactor, now }: Dependencies) => {
  const lockout = createAccountLockout({ maxFailures: MAX_FAILURES, lockDurationMs: LOCK_DURATION_MS, now });

  const tokensFor = async (person: Staff) => {
    const { access: access_token, refresh: refresh_token } = await tokens.pair(subjectOf(person));
    return { access_token, refresh_token };
  };

  const signedIn = async (person: Staff, view: View): Promise<AuthResponse> => {
    const { system_roles, ...profile } = staffProfile(person, view);
    const user = { ...profile, is_staff: person.is_staff, is_superuser: person.is_superuser };
    const pair = await tokensFor(person);
    const body = { success: true, otp_required: false, message: 'Login successful', ...pair, user, system_roles };
    return json(200, body, djangoCookies(now()));
  };

  const secondFactorRequired = async (person: Staff): Promise<AuthResponse> => {
    secondFactor.send(subjectOf(person), person.email);
    const temporary = {
      // The real token has no user_type, which means staff.
      user_type: undefined,
      temp_otp_login: true,
      otp_required: true,
      exp: Math.floor(now() / 1000) + TEMPORARY_TOKEN_SECONDS,
    };
    return json(200, {
      success: false,
      otp_required: true,
      temporary_token: tokens.access(subjectOf(person), temporary),
      message: 'OTP sent to your email address',
    });
  };

  /** The error text of a failed password check. Null: success. E-mail addresses are case-sensitive. */
  const passwordError = (person: Staff | null, email: string, password: string): string | null => {
    if (person?.email !== email) return signInErrorTexts.wrong;
    if (person.locked || lockout.isLocked(person.id)) return signInErrorTexts.staffLocked;
    if (person.password !== password || !person.is_active) {
      lockout.recordFailure(person.id);
      return signInErrorTexts.wrong;
    }
    lockout.reset(person.id);
    return approvalError(person);
  };

  return {
    'staff-login': (async (request) => {
      const read = readTexts(request, ['email', 'password'], staffSignInError);
      if (!read.ok) return read.answer;
      const { email, password } = read.texts;
      const person = people.staff.byEmail(email);
      const captchaError = captchaErrors(captcha(read.fields.g_recaptcha_response, person?.captcha === true));
      if (captchaError) return staffSignInError(captchaError);
      const error = passwordError(person, email, password);
      if (error !== null || person === null) return staffSignInError(formError(error ?? signInErrorTexts.wrong));
      return person.second_factor ? secondFactorRequired(person) : signedIn(person, request.view);
    }) satisfies Handler,

    /** The sign-in of the HTML page as JSON: no captcha, and the tokens are in cookies only. */
    'staff-token': (async (request) => {
      const read = readTexts(request, ['email', 'password']);
      if (!read.ok) return read.answer;
      const { email, password } = read.texts;
      const person = people.staff.byEmail(email);
      const error = passwordError(person, email, password);
      if (error !== null || person === null) return tokenError(error ?? signInErrorTexts.wrong);
      const subject = subjectOf(person);
      if (person.second_factor) {
        const { otp_code: code } = read.fields;
        if (typeof code !== 'string' || code === '') {
          secondFactor.send(subject, person.email);
          return tokenError(signInErrorTexts.otpMissing);
        }
        if (secondFactor.redeem(subject, code) !== 'ok') return tokenError(signInErrorTexts.otpRefused);
      }
      const { access, refresh } = await tokens.pair(subject);
      const cookie = (name: string, token: string, maxAgeSeconds: number) =>
        setCookie(name, token, { maxAgeSeconds, now: now(), httpOnly: false });
      return json(200, { message: 'Login successful' }, [
        cookie('access_token', access, tokens.accessLifetimeSeconds),
        cookie('refresh_token', refresh, REFRESH_COOKIE_SECONDS),
      ]);
    }) satisfies Handler,

    'staff-otp': (async (request) => {
      const read = readTexts(request, ['temporary_token', 'otp_code'], signInError);
      if (!read.ok) return read.answer;
      const { temporary_token: temporaryToken, otp_code: otpCode } = read.texts;
      const verified = await tokens.verify(temporaryToken);
      const person = verified.ok ? people.staff.find(userIdOf(verified.claims) ?? 0) : null;
      if (!verified.ok || person === null) return signInError(formError('Invalid or expired token.'));
      if (verified.claims.temp_otp_login !== true) return signInError(formError('Invalid token type.'));
      if (secondFactor.redeem(subjectOf(person), otpCode) !== 'ok') {
        return signInError(formError(signInErrorTexts.otpRefused));
      }
      const { system_roles: _, ...user } = staffProfile(person, request.view);
      const body = { success: true, message: 'OTP verification successful', ...(await tokensFor(person)), user };
      return json(200, { ...body, redirect: '/staff/settings/profile/' }, djangoCookies(now()));
    }) satisfies Handler,
  };
};
