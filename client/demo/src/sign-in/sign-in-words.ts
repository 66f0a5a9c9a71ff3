import { errorAction, reasonOf } from '@auth-bff/client';
import { retryAfterOf } from '../desk/retry-after.ts';

const wordsOf: Partial<Record<NonNullable<ReturnType<typeof reasonOf>>, string>> = {
  bad_credentials: 'Wrong e-mail or password. Are you staff, or an employee?',
  account_locked: 'Too many wrong passwords: this account is locked. Try again later, or ask the help desk.',
  captcha_required: 'Confirm that you are no robot, then sign in again.',
  otp_invalid: 'This code is wrong. Check the newest mail, and try again.',
  otp_expired: 'This sign-in has expired or had too many wrong codes. Go back, and sign in again.',
  invalid_input: 'That is no e-mail address, or the password is missing.',
  network: 'The desk cannot be reached. Check your connection, and try again.',
};

/** Why somebody is not in, and what helps. */
export const signInWords = (error: unknown): string => {
  const reason = reasonOf(error);
  // The message says whether the account is pending, rejected or inactive.
  if (reason === 'account_inactive' && error instanceof Error) return error.message;
  const words = reason === null ? undefined : wordsOf[reason];
  if (words !== undefined) return words;
  const action = errorAction(error);
  if (action === 'slow-down') return `Too many attempts. Try again in ${retryAfterOf(error)} s.`;
  if (action === 'maintenance') return `The Auth Service is under maintenance. Try again in ${retryAfterOf(error)} s.`;
  return 'That did not work. Try again.';
};
