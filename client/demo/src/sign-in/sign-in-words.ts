import { errorAction, reasonOf } from '@auth-bff/client';
import { retryAfterOf } from '../desk/retry-after.ts';

const wordsOf: Partial<Record<NonNullable<ReturnType<typeof reasonOf>>, string>> = {
  bad_credentials: 'Wrong e-mail or password. Check whether you sign in as staff or employee.',
  account_locked: 'Too many wrong passwords: this account is locked. Try again later or contact the help desk.',
  captcha_required: 'Confirm that you are not a robot, then sign in again.',
  otp_invalid: 'Wrong code. Check the most recent e-mail and try again.',
  otp_expired: 'The sign-in has expired or had too many wrong codes. Go back and sign in again.',
  invalid_input: 'Enter an e-mail address and a password.',
  network: "Can't reach the server. Check your connection and try again.",
};

/** The text of a failed sign-in. */
export const signInWords = (error: unknown): string => {
  const reason = reasonOf(error);
  // The message says whether the account is pending, rejected or inactive.
  if (reason === 'account_inactive' && error instanceof Error) return error.message;
  const words = reason === null ? undefined : wordsOf[reason];
  if (words !== undefined) return words;
  const action = errorAction(error);
  if (action === 'slow-down') return `Too many attempts. Try again in ${retryAfterOf(error)} s.`;
  if (action === 'maintenance') return `The Auth Service is under maintenance. Try again in ${retryAfterOf(error)} s.`;
  return 'The sign-in failed. Try again.';
};
