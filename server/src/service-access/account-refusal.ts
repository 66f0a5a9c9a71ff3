import type { Reason } from '@auth-bff/shared';
import { type AppError, isAppError } from '../errors.ts';

/** Why the service account cannot sign in until somebody changes something. */
export type AccountRefusal =
  | Extract<Reason, 'bad_credentials' | 'account_locked' | 'account_inactive' | 'captcha_required'>
  | 'second_factor'
  | 'wrong_person'
  | 'refused_tokens';

const start = 'The service account (SERVICE_ACCOUNT_EMAIL) cannot be used';

/** Log messages: symptom, cause and action. */
export const messageOfRefusal: Readonly<Record<AccountRefusal, string>> = {
  bad_credentials: `${start}: the Auth Service refuses its e-mail or password. Correct SERVICE_ACCOUNT_EMAIL and SERVICE_ACCOUNT_PASSWORD, and restart the BFF.`,
  account_locked: `${start}: the Auth Service has locked it after too many wrong passwords. Check SERVICE_ACCOUNT_PASSWORD, and unlock the account or wait until the lock ends.`,
  account_inactive: `${start}: it is inactive, pending or rejected at the Auth Service. Activate it there.`,
  captcha_required: `${start}: its sign-in requires a captcha, and this Auth Service has no POST /token/. Exempt the account from the captcha.`,
  second_factor: `${start}: its sign-in requires a second factor. Disable the second factor of this account at the Auth Service, and protect it by a long password.`,
  wrong_person: `${start}: the Auth Service issued a token that belongs to another person, or to an employee. Use a staff account, and restart the BFF if the account was deleted and created again.`,
  refused_tokens: `${start}: the Auth Service refuses the tokens that it has just issued to it. Run the doctor with a token of this account.`,
};

/** For the audit log. */
export const reasonOfRefusal: Readonly<Record<AccountRefusal, Reason>> = {
  bad_credentials: 'bad_credentials',
  account_locked: 'account_locked',
  account_inactive: 'account_inactive',
  captcha_required: 'captcha_required',
  second_factor: 'otp_invalid',
  wrong_person: 'token_invalid',
  refused_tokens: 'token_invalid',
};

/** The sign-in was judged, and would fail again. Null: an outage or an unexpected response. */
export const toAccountRefusal = (error: AppError): AccountRefusal | null => {
  if (!isAppError(error, 'bad_credentials', 'account_locked', 'account_inactive', 'captcha_required')) return null;
  return error.reason as AccountRefusal;
};

const minuteMs = 60_000;
/** The service locks an account after 10 wrong passwords in a row, whenever they come. */
const pausesMs = [1, 5, 30, 360].map((minutes) => minutes * minuteMs);

/** Milliseconds until the next sign-in, after this many refusals in a row. */
export const pauseAfterRefusals = (refusals: number): number =>
  pausesMs[Math.min(refusals, pausesMs.length) - 1] ?? minuteMs;
