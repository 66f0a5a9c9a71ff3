import { type PersonType, type Reason, toAsciiLowerCase } from '@auth-bff/shared';

/** One call of the Auth Service, as data. Every path ends in a slash: without it the service loses the request. */
export type Endpoint = {
  /** What logs, metrics and errors call it. */
  name: string;
  method: 'GET' | 'POST';
  path: string;
  /** Whose access token may be sent there; the service itself takes an employee's for the staff user of that number. */
  audience: PersonType | 'none';
  /** Carries the API key instead of a person's token. */
  internal?: true;
  /** What a 404 means there. Without it, the endpoint itself is missing: a broken contract. */
  notFound?: Reason;
  /** Changes nothing, and so may be asked again where it failed. */
  isRead: boolean;
  /** Milliseconds for all of a call, with its waits and new attempts. */
  deadlineMs: number;
};

const lookupMs = 3_000;
/** Without its message broker the deployed service takes 12 s to sign staff in. */
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

/** Every call that the BFF makes. Sources: the integration guide, and the service as deployed. */
export const endpoints = {
  user: (id: number) => lookup('user-info', `/api/v1/tts/user-info/${id}/`, { notFound: 'user_not_found' }),
  users: lookup('users-info', '/api/v1/tts/users-info/', { method: 'POST' }),
  usersByRole: lookup('round-robin', '/api/v1/tts/round-robin/'),
  /** The three that say who has a role where `round-robin` is of TTS alone: the deployed service's. */
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
  /** The deployed service alone has it. It asks for no token, and tells of inactive people too. */
  staffInternal: (id: number) => lookup('user-internal', `/api/v1/users/internal/${id}/`, { audience: 'none' }),
  validateStaff: lookup('token-validate', '/api/v1/users/token/validate/'),
  whoseToken: lookup('me', '/api/me/', { audience: 'employee' }),
  signIn: {
    staff: signIn('staff-sign-in', '/api/v1/users/login/api/'),
    employee: signIn('employee-sign-in', '/api/v1/hdts/employees/api/login/'),
  },
  verifyOtp: {
    staff: signIn('staff-second-factor', '/api/v1/users/login/verify-otp/'),
    employee: signIn('employee-second-factor', '/api/v1/hdts/employees/api/2fa/verify-otp/'),
  },
  refresh: {
    staff: tokens('refresh', '/api/v1/token/refresh/cookie/', 'staff'),
    employee: tokens('refresh', '/api/v1/token/refresh/cookie/', 'employee'),
  },
  /** Asked only where the service has no common refresh endpoint. Each is for its own people alone. */
  refreshOlder: {
    staff: tokens('staff-refresh', '/api/v1/users/token/refresh/', 'staff'),
    employee: tokens('employee-refresh', '/api/v1/hdts/employees/api/token/refresh/', 'employee'),
  },
  signOut: {
    staff: tokens('staff-sign-out', '/api/v1/users/logout/', 'staff'),
    employee: tokens('employee-sign-out', '/api/v1/hdts/employees/api/logout/', 'employee'),
  },
} as const;
