import { randomUUID } from 'node:crypto';
import { emptyCookie, setCookie } from './cookies.ts';
import type { DeployedCaller } from './deployed-caller.ts';
import {
  type Answer,
  type AuthRequest,
  json,
  missingFields,
  readJson,
  redirect,
  serverError,
  textOf,
} from './exchange.ts';
import type { Staff, Subject } from './people.ts';
import { deployedEmployee, deployedProfile } from './profiles.ts';
import type { Service } from './service.ts';
import { subjectOf, userIdOf } from './tokens.ts';

const PENDING_LIFETIME_SECONDS = 600;

const staffRefusal = (errors: Record<string, string[]>) => json(400, { success: false, errors });

const reasons = {
  wrong: 'Invalid email or password.',
  locked: 'Account is locked due to too many failed login attempts. Try again later.',
  inactive: 'This account is inactive.',
  captcha: 'Captcha verification required.',
};

const notValid = json(401, { detail: 'Token is invalid or expired', code: 'token_not_valid' });

/** The deployed service's sign-in, second factor, refresh and sign-out. */
export const createDeployedSessions = ({ people, tokens, signIn, secondFactor, sessions, now }: Service) => {
  // Readable by scripts, as deployed.
  const cookie = (name: string, value: string, maxAgeSeconds: number) =>
    setCookie(name, value, { maxAgeSeconds, now: now(), httpOnly: false });
  const accessCookie = (token: string) => cookie('access_token', token, tokens.accessLifetimeSeconds);

  const staffSignedIn = async (person: Staff): Promise<Answer> => {
    const { access, refresh } = await tokens.pair({ type: 'staff', id: person.id });
    const { system_roles, ...user } = deployedProfile(person);
    const sessionId = randomUUID().replaceAll('-', '');
    sessions.set(sessionId, person.id);
    return json(
      200,
      {
        success: true,
        message: 'Login successful',
        access_token: access,
        refresh_token: refresh,
        user,
        system_roles,
      },
      [
        setCookie('sessionid', sessionId, { maxAgeSeconds: 1_209_600, now: now(), httpOnly: true }),
        cookie('csrftoken', randomUUID().replaceAll('-', ''), 31_449_600),
      ],
    );
  };

  const refreshClaims = async ({ cookies }: AuthRequest) => {
    // An access token passes for a refresh token: nobody looks at token_type.
    const verified = await tokens.verify(cookies.get('refresh_token') ?? '');
    return verified.ok ? verified.claims : null;
  };

  const logout = ({ cookies }: AuthRequest): Answer => {
    sessions.delete(cookies.get('sessionid') ?? '');
    return json(200, { success: true, message: 'Logged out successfully' }, [
      emptyCookie('access_token'),
      emptyCookie('refresh_token'),
    ]);
  };

  return {
    'staff-login': async (request: AuthRequest): Promise<Answer> => {
      const read = readJson(request);
      if (!read.ok) return read.answer;
      const email = textOf(read.fields, 'email');
      const password = textOf(read.fields, 'password');
      const missing = missingFields({ email, password });
      if (missing) return staffRefusal(missing);
      const attempt = signIn.staff(email, password, read.fields.captcha_token);
      if (!('person' in attempt)) return staffRefusal({ non_field_errors: [reasons[attempt.outcome]] });
      const { outcome, person } = attempt;
      if (outcome === 'ok') return staffSignedIn(person);
      const subject: Subject = { type: 'staff', id: person.id };
      secondFactor.tell(subject, person.email);
      const exp = Math.floor(now() / 1000) + PENDING_LIFETIME_SECONDS;
      return json(200, {
        success: false,
        otp_required: true,
        temporary_token: await tokens.access(subject, { temp_otp_login: true, otp_required: true, exp }),
        message: 'OTP sent to your email.',
      });
    },

    'staff-otp': async (request: AuthRequest): Promise<Answer> => {
      const read = readJson(request);
      if (!read.ok) return read.answer;
      const temporaryToken = textOf(read.fields, 'temporary_token');
      const otpCode = textOf(read.fields, 'otp_code');
      const missing = missingFields({ temporary_token: temporaryToken, otp_code: otpCode });
      if (missing) return staffRefusal(missing);
      const verified = await tokens.verify(temporaryToken);
      const id = verified.ok && verified.claims.temp_otp_login ? userIdOf(verified.claims) : null;
      const person = id === null ? null : people.staff.find(id);
      if (!person) return staffRefusal({ temporary_token: ['Invalid or expired temporary token.'] });
      const result = secondFactor.redeem({ type: 'staff', id: person.id }, otpCode);
      if (result === 'ok') return staffSignedIn(person);
      return staffRefusal({ otp_code: [result === 'wrong' ? 'Invalid OTP code.' : 'OTP code has expired.'] });
    },

    'employee-login': async (request: AuthRequest): Promise<Answer> => {
      const read = readJson(request);
      if (!read.ok) return read.answer;
      const email = textOf(read.fields, 'email');
      const password = textOf(read.fields, 'password');
      const missing = missingFields({ email, password });
      if (missing) return json(400, missing);
      const attempt = signIn.employee(email, password);
      if (!('person' in attempt)) return json(400, { non_field_errors: [reasons[attempt.outcome]] });
      const { outcome, person } = attempt;
      const subject: Subject = { type: 'employee', id: person.id };
      if (outcome === 'second_factor') {
        secondFactor.tell(subject, person.email);
        return json(200, { requires_otp: true, email: person.email });
      }
      const { access, refresh } = await tokens.pair(subject);
      return json(200, { success: true, access, refresh, employee: deployedEmployee(person) }, [
        accessCookie(access),
        cookie('refresh_token', refresh, tokens.refreshLifetimeSeconds),
      ]);
    },

    // Broken as deployed: right or wrong, the code leads to the login page.
    'employee-otp': (): Answer => redirect(302, '/login/'),

    refresh: async (request: AuthRequest, caller: DeployedCaller | null): Promise<Answer> => {
      if (!caller) return redirect(302, '/login/');
      if (!request.cookies.get('refresh_token')) return json(401, { detail: 'Refresh token not found in cookies.' });
      const claims = await refreshClaims(request);
      const subject = claims && subjectOf(claims);
      if (!subject) return notValid;
      const isGone = (subject.type === 'staff' ? people.staff : people.employees).find(subject.id) === null;
      if (isGone && people.staff.find(subject.id) === null) return serverError();
      if (isGone) return json(401, { detail: 'Employee not found' });
      return json(
        200,
        {
          message: 'Token refreshed successfully',
          user_type: subject.type,
          expires_in: tokens.accessLifetimeSeconds,
        },
        [accessCookie(await tokens.access(subject))],
      );
    },

    'staff-refresh': async (request: AuthRequest): Promise<Answer> => {
      const claims = await refreshClaims(request);
      // Whose number it is, nobody asks: an employee's refresh token gives the staff user's access token.
      const id = claims && userIdOf(claims);
      if (id === null || !people.staff.find(id)) return serverError();
      return json(200, { message: 'Token refreshed successfully' }, [
        accessCookie(await tokens.access({ type: 'staff', id })),
      ]);
    },

    'employee-refresh': async (request: AuthRequest): Promise<Answer> => {
      const claims = await refreshClaims(request);
      const subject = claims && subjectOf(claims);
      if (subject?.type !== 'employee') return notValid;
      return json(200, { access: await tokens.access(subject) });
    },

    'staff-logout': logout,
    'employee-logout': logout,
  };
};
