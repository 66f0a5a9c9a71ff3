import { setCookie } from '../cookies.ts';
import { json, missingFields, readJson, textOf } from '../http-messages.ts';
import { createLocks } from '../account-lockout.ts';
import type { Employee, Subject } from '../people/people.ts';
import type { Service } from '../dependencies.ts';
import { asEmployee, type Handler } from './guards.ts';
import { employeeProfile } from './profiles.ts';
import { captchaErrors, formError, refused, signInTexts } from './sign-in-errors.ts';

const WRONG_BEFORE_LOCK = 5;
const LOCKED_FOR_MS = 30 * 60_000;

/** Employees' sign-in: tokens come in the body and in cookies, and a rejected employee is let in. */
export const createEmployeeSignIn = ({ people, tokens, captcha, secondFactor, now }: Service) => {
  const locks = createLocks({ maxWrong: WRONG_BEFORE_LOCK, lockedForMs: LOCKED_FOR_MS, now });

  const tokenCookie = (name: string, value: string, maxAgeSeconds: number) =>
    setCookie(name, value, { maxAgeSeconds, now: now(), httpOnly: true });

  /** Why the password does not sign this person in. Null: it does. E-mail addresses compare with case. */
  const refusalOf = (person: Employee | null, email: string, password: string): string | null => {
    if (person?.email !== email) return signInTexts.wrong;
    if (locks.isLocked(person.id)) return signInTexts.employeeLocked;
    if (person.password !== password) {
      return locks.countWrong(person.id) ? signInTexts.employeeNowLocked : signInTexts.wrong;
    }
    locks.forget(person.id);
    return person.status === 'Pending' ? signInTexts.employeePending : null;
  };

  return {
    'employee-login': (async (request) => {
      const read = readJson(request);
      if (!read.ok) return read.answer;
      const email = textOf(read.fields, 'email');
      const password = textOf(read.fields, 'password');
      const missing = missingFields({ email, password });
      if (missing) return refused(missing);
      const robot = captchaErrors(captcha(read.fields.g_recaptcha_response, false));
      if (robot) return refused(robot);
      const person = people.employees.byEmail(email);
      const refusal = refusalOf(person, email, password);
      if (refusal !== null || person === null) return refused(formError(refusal ?? signInTexts.wrong));
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

    // It needs an access token already, so that nobody who signs in gets here; what it then hands out is signed with
    // another key and of no use. So no code is ever right.
    'employee-otp': asEmployee(() => json(400, { detail: 'Invalid or expired OTP' })),
  };
};
