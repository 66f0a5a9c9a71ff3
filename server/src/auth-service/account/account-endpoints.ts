import type { Endpoint } from '../endpoints.ts';
import { endpoints } from '../endpoints.ts';

/**
 * Milliseconds. While its message broker is down, the deployed service takes more than 6 s to save a staff user, and up
 * to 5 s to ask a service for breached passwords.
 */
const writeMs = 15_000;
/** A client has 30 s to send a request, so a slow upload never looks like a slow Auth Service. */
const uploadMs = 30_000 + writeMs;

const write = (
  method: 'POST' | 'PATCH',
  name: string,
  path: string,
  audience: Endpoint['audience'] = 'none',
): Endpoint => ({ name, method, path, audience, isRead: false, deadlineMs: writeMs });

const users = '/api/v1/users/';
const employees = '/api/v1/hdts/employees/api/';

/** Endpoints with which people manage their own account. The guide documents none of the writes. */
export const accountEndpoints = {
  profile: { staff: endpoints.staffProfile, employee: endpoints.employeeProfile },
  updateProfile: {
    staff: write('PATCH', 'staff-profile-update', endpoints.staffProfile.path, 'staff'),
    employee: write('PATCH', 'employee-profile-update', endpoints.employeeProfile.path, 'employee'),
  },
  setPicture: {
    staff: { ...write('PATCH', 'staff-picture', endpoints.staffProfile.path, 'staff'), deadlineMs: uploadMs },
    employee: {
      ...write('PATCH', 'employee-picture', endpoints.employeeProfile.path, 'employee'),
      deadlineMs: uploadMs,
    },
  },
  changePassword: {
    staff: write('POST', 'staff-password-change', `${users}password/change/`, 'staff'),
    employee: write('POST', 'employee-password-change', `${employees}profile/change-password/`, 'employee'),
  },
  /** Like `changePassword.staff`, but it does not look for breached passwords. */
  changePasswordOlder: write('POST', 'staff-password-change-older', `${users}change-password/`, 'staff'),
  requestPasswordReset: {
    staff: write('POST', 'staff-password-forgot', `${users}password/forgot/`),
    employee: write('POST', 'employee-password-forgot', `${employees}password/forgot/`),
  },
  resetPassword: {
    staff: write('POST', 'staff-password-reset', `${users}password/reset/`),
    employee: write('POST', 'employee-password-reset', `${employees}password/reset/`),
  },
  enableSecondFactor: {
    staff: write('POST', 'staff-second-factor-enable', `${users}2fa/enable/`, 'staff'),
    employee: write('POST', 'employee-second-factor-enable', `${employees}2fa/enable/`, 'employee'),
  },
  disableSecondFactor: {
    staff: write('POST', 'staff-second-factor-disable', `${users}2fa/disable/`, 'staff'),
    employee: write('POST', 'employee-second-factor-disable', `${employees}2fa/disable/`, 'employee'),
  },
  /** Also accepts the temporary token of a staff sign-in. Employees have no such endpoint. */
  requestCode: write('POST', 'staff-code', `${users}2fa/request-otp-authenticated/`, 'staff'),
} as const;
