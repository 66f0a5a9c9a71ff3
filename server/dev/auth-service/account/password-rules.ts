import type { Staff } from '../people/people.ts';

const common = new Set([
  'password',
  'password1',
  'password123',
  '12345678',
  '123456789',
  'qwerty123',
  'letmein1',
  'admin123',
]);

/** Stands for the passwords that the outside service knows. */
export const breachedPassword = 'breached-password-1';

const minLength = 8;
const maxLength = 128;

/** The error text for a new password of a staff user. Null: accepted. `asksForBreaches`: asks the outside service too. */
export const staffPasswordError = (
  password: string,
  { username, email }: Staff,
  asksForBreaches: boolean,
): string | null => {
  const lower = password.toLowerCase();
  const [local = ''] = email.toLowerCase().split('@');
  if (password.length < minLength) return `Password must be at least ${minLength} characters long.`;
  if (password.length > maxLength) return `Password must be at most ${maxLength} characters long.`;
  if (username !== null && lower.includes(username.toLowerCase())) return 'Password must not contain your username.';
  if (lower.includes(local)) return 'Password must not contain part of your email address.';
  if (common.has(lower)) return 'Password is too common.';
  return asksForBreaches && password === breachedPassword
    ? 'This password has been found in data breaches. Please choose a different password.'
    : null;
};

/** Employees' passwords are checked for their length only. */
export const employeePasswordError = (password: string): string | null =>
  password.length < minLength ? `Password must be at least ${minLength} characters long.` : null;
