import { csrfCookie, randomKey, sessionIdCookie } from '../cookies.ts';
import { type Answer, json, missingFields, readJson, textOf } from '../exchange.ts';
import { createLocks } from '../locks.ts';
import type { Staff, Subject } from '../people/people.ts';
import type { Service } from '../service.ts';
import { userIdOf } from '../tokens.ts';
import { asStaff, type Handler, type View } from './guards.ts';
import { staffProfile } from './profiles.ts';
import { captchaErrors, formError, refused, signInTexts, staffRefused } from './sign-in-answers.ts';

const TEMPORARY_TOKEN_SECONDS = 300;
const WRONG_BEFORE_LOCK = 10;
const LOCKED_FOR_MS = 15 * 60_000;

const subjectOf = ({ id }: Staff): Subject => ({ type: 'staff', id });

/** Only staff with the role Employee in HDTS are held back until they are approved. */
const approvalRefusal = ({ status, roles }: Staff): string | null => {
  const isHeldBack = roles.some(({ system, role }) => system === 'HDTS' && role === 'Employee');
  if (!isHeldBack || status === 'Approved') return null;
  return status === 'Pending' ? signInTexts.staffPending : signInTexts.staffRejected;
};

/** Staff sign-in and its second factor: tokens come in the body, cookies are Django's own. */
export const createStaffSignIn = ({ people, tokens, captcha, secondFactor, now }: Service) => {
  const locks = createLocks({ maxWrong: WRONG_BEFORE_LOCK, lockedForMs: LOCKED_FOR_MS, now });

  const tokensFor = async (person: Staff) => {
    const { access: access_token, refresh: refresh_token } = await tokens.pair(subjectOf(person));
    return { access_token, refresh_token };
  };
  const djangoCookies = (): string[] => [sessionIdCookie(randomKey(), now()), csrfCookie(now())];

  const signedIn = async (person: Staff, view: View): Promise<Answer> => {
    const { system_roles, ...profile } = staffProfile(person, view);
    const user = { ...profile, is_staff: person.is_staff, is_superuser: person.is_superuser };
    const pair = await tokensFor(person);
    const body = { success: true, otp_required: false, message: 'Login successful', ...pair, user, system_roles };
    return json(200, body, djangoCookies());
  };

  const secondFactorAsked = async (person: Staff): Promise<Answer> => {
    secondFactor.send(subjectOf(person), person.email);
    const temporary = {
      // The user_type is not said, which means staff.
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

  /** Why the password does not sign this person in. Null: it does. E-mail addresses compare with case. */
  const refusalOf = (person: Staff | null, email: string, password: string): string | null => {
    if (person?.email !== email) return signInTexts.wrong;
    if (person.locked || locks.isLocked(person.id)) return signInTexts.staffLocked;
    if (person.password !== password || !person.is_active) {
      locks.countWrong(person.id);
      return signInTexts.wrong;
    }
    locks.forget(person.id);
    return approvalRefusal(person);
  };

  return {
    'staff-login': (async (request) => {
      const read = readJson(request);
      if (!read.ok) return read.answer;
      const email = textOf(read.fields, 'email');
      const password = textOf(read.fields, 'password');
      const missing = missingFields({ email, password });
      if (missing) return staffRefused(missing);
      const person = people.staff.byEmail(email);
      const robot = captchaErrors(captcha(read.fields.g_recaptcha_response, person?.captcha === true));
      if (robot) return staffRefused(robot);
      const refusal = refusalOf(person, email, password);
      if (refusal !== null || person === null) return staffRefused(formError(refusal ?? signInTexts.wrong));
      return person.second_factor ? secondFactorAsked(person) : signedIn(person, request.view);
    }) satisfies Handler,

    'staff-otp': (async (request) => {
      const read = readJson(request);
      if (!read.ok) return read.answer;
      const temporaryToken = textOf(read.fields, 'temporary_token');
      const otpCode = textOf(read.fields, 'otp_code');
      const missing = missingFields({ temporary_token: temporaryToken, otp_code: otpCode });
      if (missing) return refused(missing);
      const verified = await tokens.verify(temporaryToken);
      const person = verified.ok ? people.staff.find(userIdOf(verified.claims) ?? 0) : null;
      if (!verified.ok || person === null) return refused(formError('Invalid or expired token.'));
      if (verified.claims.temp_otp_login !== true) return refused(formError('Invalid token type.'));
      if (secondFactor.redeem(subjectOf(person), otpCode) !== 'ok') {
        return refused(formError('Invalid or expired OTP code.'));
      }
      const { system_roles: _, ...user } = staffProfile(person, request.view);
      const body = { success: true, message: 'OTP verification successful', ...(await tokensFor(person)), user };
      return json(200, { ...body, redirect: '/staff/settings/profile/' }, djangoCookies());
    }) satisfies Handler,

    /** With the temporary token as access cookie it is how a new code is sent while somebody signs in. */
    'staff-otp-resend': asStaff((_request, person) => {
      if (!person.second_factor) return json(400, { error: '2FA is not enabled for this account' });
      secondFactor.send(subjectOf(person), person.email);
      return json(200, { message: 'OTP sent to your email address', expires_in_minutes: 5 });
    }),
  };
};
