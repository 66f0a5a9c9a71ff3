import type { FieldErrors } from '../forms/field-errors.ts';

/** The errors of a new password that was typed twice. The Auth Service checks the rest. */
export const newPasswordFaults = (first: string, second: string): FieldErrors => {
  if (first === '') return { newPassword: 'Enter a new password.' };
  if (first.length < 8) return { newPassword: 'Use at least 8 characters.' };
  if (second === '') return { repeated: 'Enter the new password again.' };
  return first === second ? {} : { repeated: 'The two passwords differ.' };
};
