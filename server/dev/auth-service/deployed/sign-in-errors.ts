import type { CaptchaResult } from '../captcha.ts';
import { type AuthResponse, json } from '../http-messages.ts';

/** Error texts. All errors have status 400, so clients can distinguish them only by the text. */
export const signInErrorTexts = {
  wrong: 'Invalid email or password.',
  captchaMissing: 'reCAPTCHA verification is required.',
  captchaRefused: 'reCAPTCHA verification failed.',
  staffLocked: 'Account is locked due to too many failed login attempts. Please try again later.',
  otpMissing: 'OTP code is required for this account. An OTP has been sent to your email.',
  otpRefused: 'Invalid or expired OTP code.',
  staffPending: 'Your account is pending approval by the HDTS system administrator.',
  staffRejected: 'Your account has been rejected by the HDTS system administrator.',
  employeeNowLocked: 'Account locked due to too many failed login attempts. Try again in 30 minutes.',
  employeeLocked: 'Account is temporarily locked. Please try again later.',
  employeePending: 'Your account is pending approval. Please wait for admin approval before logging in.',
} as const;

export type Errors = Record<string, string[]>;

export const formError = (text: string): Errors => ({ non_field_errors: [text] });

export const staffSignInError = (errors: Errors): AuthResponse =>
  json(400, { success: false, otp_required: false, errors });
/** The error response of employee sign-in and of the second factor. */
export const signInError = (errors: Errors): AuthResponse => json(400, { success: false, errors });

/** The error response of `POST /token/`. */
export const tokenError = (text: string): AuthResponse =>
  text === signInErrorTexts.staffPending || text === signInErrorTexts.staffRejected
    ? json(403, { detail: text })
    : json(400, formError(text));

/** The errors of a captcha check. Null: none. */
export const captchaErrors = (result: CaptchaResult): Errors | null => {
  if (result === 'passed') return null;
  if (result === 'null') return { g_recaptcha_response: ['This field may not be null.'] };
  return formError(result === 'missing' ? signInErrorTexts.captchaMissing : signInErrorTexts.captchaRefused);
};
