import { reasonOf } from '@auth-bff/client';
import { type FieldErrors, fieldErrorsOf } from '../forms/field-errors.ts';
import { waitSecondsOf } from '../desk/retry-after.ts';
import { waitWords } from '../forms/wait-words.ts';

const wordsOf: Partial<Record<NonNullable<ReturnType<typeof reasonOf>>, string>> = {
  account_locked:
    'Too many wrong passwords: this account is locked. Try again later, or ask an administrator to unlock it.',
  network: "Can't reach the server. Check your connection and try again.",
};

const fieldWordsOf: Partial<Record<NonNullable<ReturnType<typeof reasonOf>>, FieldErrors>> = {
  captcha_required: { captchaToken: "Confirm that you're not a robot, then sign in." },
  otp_invalid: { code: 'Wrong code. Enter the code from the most recent e-mail.' },
  otp_expired: { code: 'This code has expired or was used too often. Go back and sign in again.' },
};

const wrongPasswordHint = {
  staff: 'If you are an employee, choose Employee above.',
  employee: 'If you are staff, choose Staff above.',
};

/** The errors of a refused sign-in that concern one field. */
export const signInFieldErrors = (error: unknown): FieldErrors => {
  const reason = reasonOf(error);
  return (reason === null ? undefined : fieldWordsOf[reason]) ?? fieldErrorsOf(error);
};

/** The text of a failed sign-in. Empty if it stands at one of `fields`. `as`: what the person signed in as. */
export const signInWords = (error: unknown, fields: readonly string[], as: 'staff' | 'employee'): string => {
  if (error === null) return '';
  const paths = Object.keys(signInFieldErrors(error));
  if (paths.length > 0 && paths.every((path) => fields.includes(path))) return '';
  const reason = reasonOf(error);
  if (reason === 'bad_credentials') return `Wrong e-mail or password. ${wrongPasswordHint[as]}`;
  // The message says whether the account is pending, rejected or inactive, and what to do.
  if (reason === 'account_inactive' && error instanceof Error) return error.message;
  const words = reason === null ? undefined : wordsOf[reason];
  if (words !== undefined) return words;
  return waitSecondsOf(error) === null ? 'The sign-in failed. Try again.' : waitWords(error);
};
