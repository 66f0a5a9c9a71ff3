import { errorAction, reasonOf } from '@auth-bff/client';
import { retryAfterOf } from '../desk/retry-after.ts';

/** Why somebody is not in, and what helps. */
export const signInWords = (error: unknown): string => {
  switch (reasonOf(error)) {
    case 'bad_credentials':
      return 'E-mail and password do not go together. Are you staff, or an employee?';
    case 'account_locked':
      return 'This account is locked or not active. Ask the help desk to open it.';
    case 'captcha_required':
      return 'Say that you are no robot, and sign in again.';
    case 'otp_invalid':
      return 'This code is wrong or too old. Check the newest mail.';
    case 'invalid_input':
      return 'That is no e-mail address, or the password is missing.';
    case 'rate_limited':
      return `Too many attempts. Try again in ${retryAfterOf(error)} s.`;
    case 'network':
      return 'The desk cannot be reached. Check your connection, and try again.';
    default:
      return errorAction(error) === 'maintenance'
        ? `The Auth Service is under maintenance. Try again in ${retryAfterOf(error)} s.`
        : 'That did not work. Try again.';
  }
};
