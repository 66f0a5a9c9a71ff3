import { deleteCookie, sessionIdCookie } from '../cookies.ts';
import { type AuthResponse, html, redirect } from '../http-messages.ts';

const LOGIN_PAGE = '/staff/login/';

/** Paths that need no valid access cookie. All others redirect to the login page. */
const publicPaths = new Set([
  LOGIN_PAGE,
  '/login/',
  '/token/',
  '/api/me/',
  ...[
    'users/login/api/',
    'users/login/verify-otp/',
    'users/register/',
    'users/password/forgot/',
    'users/password/reset',
    'users/password/reset/',
    'users/change-password/',
    'users/verify-password/',
    'hdts/employees/api/login/',
    'hdts/employees/api/register/',
    'hdts/employees/api/password/forgot/',
    'hdts/employees/api/password/reset/',
  ].map((path) => `/api/v1/${path}`),
]);
/** Pictures are public while Django's DEBUG is on. */
const publicFolders = ['/media/', '/superadmin/', '/api/v1/users/internal/', '/api/v1/hdts/employees/internal/'];

export const isPublic = (path: string): boolean =>
  publicPaths.has(path) || publicFolders.some((folder) => path.startsWith(folder));

/** Paths that redirect staff to their settings page. */
export const isForEmployeesOnly = (path: string): boolean =>
  path.startsWith('/api/v1/hdts/employees/') && !isPublic(path);

export const isLoginPage = (path: string): boolean => path === LOGIN_PAGE || path === '/login/';

/** Redirects to the login page, deletes both token cookies and starts a new Django session. */
export const redirectToLogin = (now: number): AuthResponse => {
  const { headers, ...answer } = redirect(302, LOGIN_PAGE);
  const cookies = [deleteCookie('access_token'), deleteCookie('refresh_token'), sessionIdCookie(now)];
  return { ...answer, headers: { ...headers, 'set-cookie': cookies } };
};

/** The response to a path without trailing slash: the redirect of GET drops the query, and POST fails the CSRF check. */
export const missingSlashResponse = (method: string, path: string): AuthResponse =>
  method === 'GET' || method === 'HEAD'
    ? redirect(302, `${path}/`)
    : html(403, 'Forbidden (403): CSRF verification failed.');
