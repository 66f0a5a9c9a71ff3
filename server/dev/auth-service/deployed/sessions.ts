import { emptyCookie, setCookie } from '../cookies.ts';
import { type AuthResponse, type AuthRequest, html, json, redirect, serverError } from '../http-messages.ts';
import type { Dependencies } from '../dependencies.ts';
import { type Claims, subjectOf, userIdOf } from '../tokens.ts';
import { asEmployee, asStaff, type Handler } from './guards.ts';

/**
 * Django sessions. They do not authenticate. A session stores the chosen system, which filters every list of roles, so
 * the BFF must never forward a `sessionid`.
 */
export const createDjangoSessions = () => {
  /** Chosen system in lower case, by session id. */
  const chosen = new Map<string, string>();

  return {
    choose(sessionId: string, system: string): void {
      // A request without a session cannot store the choice.
      if (sessionId !== '') chosen.set(sessionId, system);
    },
    chosenSystem: (sessionId: string): string | null => chosen.get(sessionId) ?? null,
    end: (sessionId: string): void => void chosen.delete(sessionId),
  };
};

export type DjangoSessions = ReturnType<typeof createDjangoSessions>;

const OLDER_EMPLOYEE_COOKIE_SECONDS = 900;

const unauthorized = (detail: string) => json(401, { detail });

/** Refresh, sign-out and the choice of a system in the deployed service. Refresh tokens never rotate. */
export const createDeployedSessions = ({ people, tokens, now }: Dependencies, sessions: DjangoSessions) => {
  const accessCookie = (token: string, httpOnly: boolean) =>
    setCookie('access_token', token, { maxAgeSeconds: tokens.accessLifetimeSeconds, now: now(), httpOnly });

  /** The claims of a refresh token, or the error text. */
  const readRefresh = async (token: string): Promise<Claims | string> => {
    const verified = await tokens.verify(token);
    if (!verified.ok) return verified.expired ? 'Refresh token has expired' : 'Invalid refresh token';
    return verified.claims.token_type === 'refresh' ? verified.claims : 'Invalid token type';
  };

  const signOut =
    (message: string) =>
    ({ cookies }: AuthRequest): AuthResponse => {
      sessions.end(cookies.get('sessionid') ?? '');
      return json(200, { message }, [emptyCookie('access_token'), emptyCookie('refresh_token')]);
    };

  return {
    /** The access token only passes the login check. The new token belongs to the owner of the refresh token. */
    refresh: (async ({ caller, cookies }) => {
      // The login check of the real service fails on an employee's token whose id belongs to no person.
      if (caller?.type === 'employee' && !caller.employee && !caller.staff) return serverError();
      const token = cookies.get('refresh_token');
      if (!token) return unauthorized('No refresh token in cookies');
      const claims = await readRefresh(token);
      if (typeof claims === 'string') return unauthorized(claims);
      const subject = subjectOf(claims);
      if (!subject) return unauthorized('Invalid token payload');
      const { type, id } = subject;
      const owner = type === 'staff' ? people.staff.find(id) : people.employees.find(id);
      if (!owner) return people.staff.find(id) ? unauthorized('Employee not found') : serverError();
      const body = {
        message: 'Token refreshed successfully',
        user_type: type === 'staff' ? 'user' : 'employee',
        expires_in: tokens.accessLifetimeSeconds,
      };
      return json(200, body, [accessCookie(tokens.access(subject), true)]);
    }) satisfies Handler,

    /** Upstream vulnerability: an employee's refresh token returns a token of the staff user with the same id. */
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
      if (!token) return unauthorized('Refresh token not found');
      const claims = await readRefresh(token);
      const subject = typeof claims === 'string' ? null : subjectOf(claims);
      if (subject?.type !== 'employee' || !people.employees.find(subject.id))
        return unauthorized('Invalid refresh token');
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
