import { type PersonType, type Reason, toAsciiLowerCase } from '@auth-bff/shared';

/** An endpoint of the Auth Service. Paths need their trailing slash: without it, the service drops the request. */
export type Endpoint = {
  /** Name in logs, metrics and errors. */
  name: string;
  method: 'GET' | 'POST' | 'PATCH';
  path: string;
  /** Person type whose token may be sent. The service would read an employee's token as the staff user with that id. */
  audience: PersonType | 'none';
  /** Sends the API key instead of a token. */
  internal?: true;
  /** Reason for a 404. Without it, a 404 means that the endpoint is missing: `auth_service_contract`. */
  notFound?: Reason;
  /** Has no side effects, so the call may be retried. */
  isRead: boolean;
  /** Milliseconds for the whole call, including queueing and retries. */
  deadlineMs: number;
};

const lookupMs = 3_000;
/** The deployed service needs 12 s to sign staff in while its message broker is down. */
const signInMs = 15_000;

const lookup = (name: string, path: string, rest: Partial<Endpoint> = {}): Endpoint => ({
  name,
  method: 'GET',
  path,
  audience: 'staff',
  isRead: true,
  deadlineMs: lookupMs,
  ...rest,
});
const signIn = (name: string, path: string): Endpoint => ({
  name,
  method: 'POST',
  path,
  audience: 'none',
  isRead: false,
  deadlineMs: signInMs,
});
const tokens = (name: string, path: string, audience: Endpoint['audience']): Endpoint => ({
  name,
  method: 'POST',
  path,
  audience,
  isRead: false,
  deadlineMs: lookupMs,
});

/** Every endpoint that the BFF calls. Sources: the integration guide and the deployed service. */
export const endpoints = {
  user: (id: number) => lookup('user-info', `/api/v1/tts/user-info/${id}/`, { notFound: 'user_not_found' }),
  users: lookup('users-info', '/api/v1/tts/users-info/', { method: 'POST' }),
  usersByRole: lookup('round-robin', '/api/v1/tts/round-robin/'),
  /** This and the next two: role holders at the deployed service, whose `round-robin` serves TTS only. */
  usersList: lookup('users-list', '/api/v1/users/list/'),
  hdtsUsers: lookup('hdts-users', '/api/v1/hdts/user-management/users/api/'),
  systemUsers: (system: string) =>
    lookup('system-users', `/api/v1/system-roles/systems/${encodeURIComponent(toAsciiLowerCase(system))}/users/`),
  userByCompanyId: (companyId: string) =>
    lookup('profile-by-company', `/api/v1/users/profile/by-company/${encodeURIComponent(companyId)}/`, {
      notFound: 'user_not_found',
    }),
  employee: (id: number) =>
    lookup('employee-internal', `/api/v1/hdts/employees/internal/${id}/`, {
      audience: 'none',
      internal: true,
      notFound: 'employee_not_found',
    }),
  staffProfile: lookup('staff-profile', '/api/v1/users/profile/', { notFound: 'user_not_found' }),
  employeeProfile: lookup('employee-profile', '/api/v1/hdts/employees/api/profile/', {
    audience: 'employee',
    notFound: 'employee_not_found',
  }),
  /** Deployed service only. Needs no token, and includes inactive people. */
  staffInternal: (id: number) => lookup('user-internal', `/api/v1/users/internal/${id}/`, { audience: 'none' }),
  validateStaff: lookup('token-validate', '/api/v1/users/token/validate/'),
  whoseToken: lookup('me', '/api/me/', { audience: 'employee' }),
  signIn: {
    staff: signIn('staff-sign-in', '/api/v1/users/login/api/'),
    employee: signIn('employee-sign-in', '/api/v1/hdts/employees/api/login/'),
  },
  /** Deployed service only: staff sign-in without a captcha, for the service account. */
  staffTokens: signIn('staff-token', '/token/'),
  verifyOtp: {
    staff: signIn('staff-second-factor', '/api/v1/users/login/verify-otp/'),
    employee: signIn('employee-second-factor', '/api/v1/hdts/employees/api/2fa/verify-otp/'),
  },
  refresh: {
    staff: tokens('refresh', '/api/v1/token/refresh/cookie/', 'staff'),
    employee: tokens('refresh', '/api/v1/token/refresh/cookie/', 'employee'),
  },
  /** Fallback for services without the common refresh endpoint. One endpoint per person type. */
  refreshOlder: {
    staff: tokens('staff-refresh', '/api/v1/users/token/refresh/', 'staff'),
    employee: tokens('employee-refresh', '/api/v1/hdts/employees/api/token/refresh/', 'employee'),
  },
  signOut: {
    staff: tokens('staff-sign-out', '/api/v1/users/logout/', 'staff'),
    employee: tokens('employee-sign-out', '/api/v1/hdts/employees/api/logout/', 'employee'),
  },
} as const;
