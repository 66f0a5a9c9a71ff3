import { setCookie } from '../cookies.ts';
import { json, readTexts } from '../http-messages.ts';
import { createAccountLockout } from '../account-lockout.ts';
import type { Employee, Subject } from '../people/people.ts';
import type { Dependencies } from '../dependencies.ts';
import { asEmployee, type Handler } from './guards.ts';
import { employeeProfile } from './profiles.ts';
import { captchaErrors, formError, signInError, signInErrorTexts } from './sign-in-errors.ts';

const MAX_FAILURES = 5;
const LOCK_DURATION_MS = 30 * 60_000;

/** Employee sign-in: returns tokens in the body and in cookies, and does not reject employees with status Rejected. */
export const createEmployeeSignIn = ({ people, tokens, captcha, secondFactor, now }: Dependencies) => {
  const lockout = createAccountLockout({ maxFailures: MAX_FAILURES, lockDurationMs: LOCK_DURATION_MS, now });

  const tokenCookie = (name: string, value: string, maxAgeSeconds: number) =>
    setCookie(name, value, { maxAgeSeconds, now: now(), httpOnly: true });

  /** The error text of a failed password check. Null: success. E-mail addresses are case-sensitive. */
  const passwordError = (person: Employee | null, email: string, password: string): string | null => {
    if (person?.email !== email) return signInErrorTexts.wrong;
    if (lockout.isLocked(person.id)) return signInErrorTexts.employeeLocked;
    if (person.password !== password) {
      return lockout.recordFailure(person.id) ? signInErrorTexts.employeeNowLocked : signInErrorTexts.wrong;
    }
    lockout.reset(person.id);
    return person.status === 'Pending' ? signInErrorTexts.employeePending : null;
  };

  return {
    'employee-login': (async (request) => {
      const read = readTexts(request, ['email', 'password'], signInError);
      if (!read.ok) return read.answer;
      const { email, password } = read.texts;
      const captchaError = captchaErrors(captcha(read.fields.g_recaptcha_response, false));
      if (captchaError) return signInError(captchaError);
      const person = people.employees.byEmail(email);
      const error = passwordError(person, email, password);
      if (error !== null || person === null) return signInError(formError(error ?? signInErrorTexts.wrong));
      const subject: Subject = { type: 'employee', id: person.id };
      if (person.second_factor) {
        secondFactor.send(subject, person.email);
        const message = 'OTP sent to your email. Please verify to complete login.';
        return json(200, { requires_otp: true, email: person.email, message });
      }
      const { access, refresh } = await tokens.pair(subject);
      return json(200, { success: true, access, refresh, employee: employeeProfile(person, request.view) }, [
        tokenCookie('access_token', access, tokens.accessLifetimeSeconds),
        tokenCookie('refresh_token', refresh, tokens.refreshLifetimeSeconds),
      ]);
    }) satisfies Handler,

    // The real endpoint requires an access token, which a person has only after sign-in, and signs its tokens with another
    // key. No code can complete a sign-in, so every code is rejected here.
    'employee-otp': asEmployee(() => json(400, { detail: 'Invalid or expired OTP' })),
  };
};
