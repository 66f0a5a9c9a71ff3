import { errorAction, reasonOf } from '@auth-bff/client';
import { retryAfterOf } from '../desk/retry-after.ts';

const wordsOf: Partial<Record<NonNullable<ReturnType<typeof reasonOf>>, string>> = {
  bad_credentials: 'E-mail and password do not go together. Are you staff, or an employee?',
  account_locked: 'This account is locked or not active. Ask the help desk to open it.',
  captcha_required: 'Say that you are no robot, and sign in again.',
  otp_invalid: 'This code is wrong or too old. Check the newest mail.',
  invalid_input: 'That is no e-mail address, or the password is missing.',
  network: 'The desk cannot be reached. Check your connection, and try again.',
};

/** Why somebody is not in, and what helps. */
export const signInWords = (error: unknown): string => {
  const reason = reasonOf(error);
  const words = reason === null ? undefined : wordsOf[reason];
  if (words !== undefined) return words;
  const action = errorAction(error);
  if (action === 'slow-down') return `Too many attempts. Try again in ${retryAfterOf(error)} s.`;
  if (action === 'maintenance') return `The Auth Service is under maintenance. Try again in ${retryAfterOf(error)} s.`;
  return 'That did not work. Try again.';
};
