import { errorAction, errorData, reasonOf } from '@auth-bff/client';
import { retryAfterOf } from '../desk/retry-after.ts';

/** The faults of the fields of a form, by the path of their issue. */
export type FieldErrors = Readonly<Record<string, string>>;

export const fieldErrorsOf = (error: unknown): FieldErrors =>
  Object.fromEntries((errorData(error)?.issues ?? []).map(({ path, message }) => [path, message]));

const wordsOf: Partial<Record<NonNullable<ReturnType<typeof reasonOf>>, string>> = {
  reset_link_invalid: 'This link is invalid, has expired or was already used. Request a new one.',
  otp_invalid: 'Wrong code. Check the most recent e-mail and try again.',
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
  const action = errorAction(error);
  if (action === 'slow-down') return `Too many attempts. Try again in ${retryAfterOf(error)} s.`;
  if (action === 'maintenance') return `The Auth Service is under maintenance. Try again in ${retryAfterOf(error)} s.`;
  return action === 'sign-in' ? 'Sign in again to continue.' : 'It failed. Try again.';
};
