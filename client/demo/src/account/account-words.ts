import { errorAction, reasonOf } from '@auth-bff/client';
import { fieldErrorsOf } from '../forms/field-errors.ts';
import { waitSecondsOf } from '../desk/retry-after.ts';
import { waitWords } from '../forms/wait-words.ts';

const wordsOf: Partial<Record<NonNullable<ReturnType<typeof reasonOf>>, string>> = {
  reset_link_invalid: 'This link is invalid, has expired or was already used.',
  otp_invalid: 'Wrong code. Enter the code from the most recent e-mail.',
  insufficient_permissions: 'You may not change this. Ask an administrator.',
  network: "Can't reach the server. Check your connection and try again.",
};

/** The text of a failed change. Empty if all that is wrong stands at a field among `fields`. */
export const accountWords = (error: unknown, fields: readonly string[] = []): string => {
  if (error === null || error === undefined) return '';
  const paths = Object.keys(fieldErrorsOf(error));
  if (paths.length > 0 && paths.every((path) => fields.includes(path))) return '';
  const reason = reasonOf(error);
  // The message names the endpoint that the Auth Service lacks, or the fault of the input.
  if ((reason === 'not_supported' || reason === 'invalid_input') && error instanceof Error) return error.message;
  const words = reason === null ? undefined : wordsOf[reason];
  if (words !== undefined) return words;
  if (waitSecondsOf(error) !== null) return waitWords(error);
  return errorAction(error) === 'sign-in' ? 'Sign in again to continue.' : 'Something went wrong. Try again.';
};
