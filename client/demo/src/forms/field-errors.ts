import { errorData } from '@auth-bff/client';

/** The errors of the fields of a form, by the names of the fields. */
export type FieldErrors = Readonly<Record<string, string>>;

/** The errors of the server for single fields, by the path of their issue. */
export const fieldErrorsOf = (error: unknown): FieldErrors =>
  Object.fromEntries((errorData(error)?.issues ?? []).map(({ path, message }) => [path, message]));
