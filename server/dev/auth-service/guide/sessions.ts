import { deleteCookie, djangoCookies, setCookie } from '../cookies.ts';
import { type AuthResponse, type AuthRequest, json, readTexts } from '../http-messages.ts';
import { isActiveEmployee, type Subject } from '../people/people.ts';
import { guideEmployee, guideUser } from './profiles.ts';
import { createGuideSignIn } from './sign-in.ts';
import type { Dependencies } from '../dependencies.ts';
import { subjectOf } from '../tokens.ts';

const signInErrors = {
  wrong: json(401, { detail: 'Invalid credentials' }),
  locked: json(403, { detail: 'Account locked' }),
  inactive: json(403, { detail: 'Account inactive' }),
  pending: json(403, { detail: 'Account pending approval' }),
  rejected: json(403, { detail: 'Account rejected' }),
  captcha: json(400, { captcha_token: ['This field is required.'] }),
};

const wrongCode = json(400, { error: 'Invalid OTP code.' });

const notValid = (detail: string) => json(401, { detail, code: 'token_not_valid' });

/** Sign-in, second factor, refresh and sign-out of the guide. */
export const createGuideSessions = (dependencies: Dependencies) => {
  const { people, tokens, secondFactor, now } = dependencies;
  const signIn = createGuideSignIn(dependencies);

  const isActive = ({ type, id }: Subject): boolean => {
    if (type === 'staff') return people.staff.find(id)?.is_active === true;
    const employee = people.employees.find(id);
    return employee !== null && isActiveEmployee(employee);
  };

  const tokenCookies = async (subject: Subject): Promise<string[]> => {
    const { access, refresh } = await tokens.pair(subject);
    const shared = { now: now(), httpOnly: true };
    return [
      setCookie('access_token', access, { ...shared, maxAgeSeconds: tokens.accessLifetimeSeconds }),
      setCookie('refresh_token', refresh, { ...shared, maxAgeSeconds: tokens.refreshLifetimeSeconds }),
    ];
  };

  const signedIn = async (subject: Subject, user: unknown): Promise<AuthResponse> =>
    json(200, { message: 'Login successful', user }, [...(await tokenCookies(subject)), ...djangoCookies(now())]);

  const verifyCode = async (subject: Subject, code: string, user: unknown): Promise<AuthResponse> => {
    const result = secondFactor.redeem(subject, code);
    if (result === 'ok') return signedIn(subject, user);
    return result === 'wrong' ? wrongCode : json(400, { error: 'OTP code has expired.' });
  };

  const refresh =
    (accepts: readonly Subject['type'][]) =>
    async ({ cookies }: AuthRequest): Promise<AuthResponse> => {
      const token = cookies.get('refresh_token');
      if (!token) return json(401, { detail: 'Refresh token not provided.' });
      const verified = await tokens.verify(token);
      if (!verified.ok) return notValid('Token is invalid or expired');
      if (verified.claims.token_type !== 'refresh') return notValid('Token has wrong type');
      const subject = subjectOf(verified.claims);
      if (!subject || !accepts.includes(subject.type)) return notValid('Token is not for this endpoint');
      if (!isActive(subject)) return json(401, { detail: 'User is inactive', code: 'user_inactive' });
      if (tokens.isBlacklisted(token)) return notValid('Token is blacklisted');
      // No await between the check and this line: two requests could otherwise both exchange one token.
      tokens.blacklist(token);
      return json(200, { message: 'Token refreshed' }, await tokenCookies(subject));
    };

  const logout = ({ cookies }: AuthRequest): AuthResponse => {
    const token = cookies.get('refresh_token');
    if (token) tokens.blacklist(token);
    return json(200, { message: 'Logged out' }, [
      deleteCookie('access_token'),
      deleteCookie('refresh_token'),
      deleteCookie('sessionid'),
    ]);
  };

  return {
    'staff-login': async (request: AuthRequest): Promise<AuthResponse> => {
      const read = readTexts(request, ['email', 'password']);
      if (!read.ok) return read.answer;
      const { email, password } = read.texts;
      const attempt = signIn.staff(email, password, read.fields.captcha_token);
      if (!('person' in attempt)) return signInErrors[attempt.outcome];
      const { outcome, person } = attempt;
      const subject: Subject = { type: 'staff', id: person.id };
      if (outcome === 'ok') return signedIn(subject, guideUser(person));
      secondFactor.send(subject, person.email);
      return json(200, { requires_2fa: true });
    },

    'staff-otp': async (request: AuthRequest): Promise<AuthResponse> => {
      const read = readTexts(request, ['email', 'otp_code']);
      if (!read.ok) return read.answer;
      const { email, otp_code: otpCode } = read.texts;
      const person = people.staff.byEmail(email);
      return person ? verifyCode({ type: 'staff', id: person.id }, otpCode, guideUser(person)) : wrongCode;
    },

    'employee-login': async (request: AuthRequest): Promise<AuthResponse> => {
      const read = readTexts(request, ['email', 'password']);
      if (!read.ok) return read.answer;
      const { email, password } = read.texts;
      const attempt = signIn.employee(email, password, read.fields.captcha_token);
      if (!('person' in attempt)) return signInErrors[attempt.outcome];
      const { outcome, person } = attempt;
      const subject: Subject = { type: 'employee', id: person.id };
      if (outcome === 'ok') return signedIn(subject, guideEmployee(person));
      secondFactor.send(subject, person.email);
      return json(200, { requires_otp: true, email: person.email });
    },

    'employee-otp': async (request: AuthRequest): Promise<AuthResponse> => {
      const read = readTexts(request, ['email', 'otp_code']);
      if (!read.ok) return read.answer;
      const { email, otp_code: otpCode } = read.texts;
      const person = people.employees.byEmail(email);
      return person ? verifyCode({ type: 'employee', id: person.id }, otpCode, guideEmployee(person)) : wrongCode;
    },

    refresh: refresh(['staff', 'employee']),
    'staff-refresh': refresh(['staff']),
    'employee-refresh': refresh(['employee']),
    'staff-logout': logout,
    'employee-logout': logout,
  };
};
