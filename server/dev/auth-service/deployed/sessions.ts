import { emptyCookie, setCookie } from '../cookies.ts';
import { type Answer, type AuthRequest, html, json, redirect, serverError } from '../exchange.ts';
import type { Service } from '../service.ts';
import { type Claims, subjectOf, userIdOf } from '../tokens.ts';
import type { DjangoSessions } from './django-sessions.ts';
import { asEmployee, asStaff, type Handler } from './guards.ts';

const OLDER_EMPLOYEE_COOKIE_SECONDS = 900;

const refused = (detail: string) => json(401, { detail });

/** The deployed service's refresh endpoints, sign-out, and the choice of a system. Refresh tokens never rotate. */
export const createDeployedSessions = ({ people, tokens, now }: Service, sessions: DjangoSessions) => {
  const accessCookie = (token: string, httpOnly: boolean) =>
    setCookie('access_token', token, { maxAgeSeconds: tokens.accessLifetimeSeconds, now: now(), httpOnly });

  /** The claims of a refresh token, or the words in which it is refused. */
  const readRefresh = async (token: string): Promise<Claims | string> => {
    const verified = await tokens.verify(token);
    if (!verified.ok) return verified.expired ? 'Refresh token has expired' : 'Invalid refresh token';
    return verified.claims.token_type === 'refresh' ? verified.claims : 'Invalid token type';
  };

  const signOut =
    (message: string) =>
    ({ cookies }: AuthRequest): Answer => {
      sessions.end(cookies.get('sessionid') ?? '');
      return json(200, { message }, [emptyCookie('access_token'), emptyCookie('refresh_token')]);
    };

  return {
    /** The access token only opens the gate: the new one is of the owner of the refresh token. */
    refresh: (async ({ caller, cookies }) => {
      // An employee's token of nobody at all breaks the gate itself.
      if (caller?.type === 'employee' && !caller.employee && !caller.staff) return serverError();
      const token = cookies.get('refresh_token');
      if (!token) return refused('No refresh token in cookies');
      const claims = await readRefresh(token);
      if (typeof claims === 'string') return refused(claims);
      const subject = subjectOf(claims);
      if (!subject) return refused('Invalid token payload');
      const { type, id } = subject;
      const owner = type === 'staff' ? people.staff.find(id) : people.employees.find(id);
      if (!owner) return people.staff.find(id) ? refused('Employee not found') : serverError();
      const body = {
        message: 'Token refreshed successfully',
        user_type: type === 'staff' ? 'user' : 'employee',
        expires_in: tokens.accessLifetimeSeconds,
      };
      return json(200, body, [accessCookie(tokens.access(subject), true)]);
    }) satisfies Handler,

    /** Any refresh token gives a token of the staff user with that number, an employee's as well. */
    'staff-refresh': (async ({ cookies }) => {
      const claims = await readRefresh(cookies.get('refresh_token') ?? '');
      const id = typeof claims === 'string' ? null : userIdOf(claims);
      if (id === null || !people.staff.find(id)) return serverError();
      const access = tokens.access({ type: 'staff', id });
      const body = { message: 'Token refreshed successfully', expires_in: tokens.accessLifetimeSeconds };
      return json(200, body, [accessCookie(access, false)]);
    }) satisfies Handler,

    'employee-refresh': asEmployee(async ({ cookies }) => {
      const token = cookies.get('refresh_token');
      if (!token) return refused('Refresh token not found');
      const claims = await readRefresh(token);
      const subject = typeof claims === 'string' ? null : subjectOf(claims);
      if (subject?.type !== 'employee' || !people.employees.find(subject.id)) return refused('Invalid refresh token');
      const access = tokens.access(subject);
      const lasting = { maxAgeSeconds: OLDER_EMPLOYEE_COOKIE_SECONDS, now: now(), httpOnly: true };
      return json(200, { access }, [
        setCookie('access_token', access, { ...lasting, secure: true, sameSite: 'Strict' }),
      ]);
    }),

    'staff-logout': signOut('Logout successful'),
    'employee-logout': signOut('Successfully logged out'),

    'choose-system': asStaff(({ cookies, headers, body }) => {
      const csrf = cookies.get('csrftoken');
      if (!csrf || headers['x-csrftoken'] !== csrf) return html(403, 'Forbidden (403): CSRF verification failed.');
      const system = new URLSearchParams(body).get('system_slug') ?? '';
      sessions.choose(cookies.get('sessionid') ?? '', system);
      return redirect(302, '/');
    }),
  };
};
