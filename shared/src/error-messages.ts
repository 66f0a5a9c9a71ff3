import type { InputIssue, Reason } from './errors.ts';

/** The default messages of errors: people may see them. */
export const messageOfReason: Readonly<Record<Reason, string>> = {
  token_expired: 'The session has expired. Refresh it and repeat the call.',
  no_token: 'Not signed in: the request carries no access token.',
  token_invalid: 'The access token is invalid. Sign in again.',
  session_ended: 'The session has ended. Sign in again.',
  refresh_superseded: 'This refresh token was already exchanged. The browser has newer cookies.',
  bad_credentials: 'Wrong e-mail or password.',
  account_locked: 'This account is locked after too many failed sign-ins. Try again later.',
  account_inactive: 'This account is not active. Contact an administrator.',
  captcha_required: 'The Auth Service requires a captcha. Send captchaToken.',
  otp_invalid: 'Wrong code. Check it and try again.',
  otp_expired: 'The code has expired or had too many attempts. Sign in again.',
  insufficient_permissions: 'You do not have permission to do this.',
  csrf: 'The request was rejected because it may come from another site.',
  user_not_found: 'User not found.',
  employee_not_found: 'Employee not found.',
  assignment_not_found: 'No assignment has this key.',
  no_such_procedure: 'No such procedure.',
  auth_service_unavailable: 'The Auth Service is unavailable. Try again shortly.',
  store_unavailable: 'The shared store is unavailable. Try again shortly.',
  overloaded: 'The service is overloaded. Try again shortly.',
  auth_service_contract: 'The Auth Service returned an unexpected response.',
  invalid_input: 'Invalid input.',
  reset_link_invalid: 'This link is invalid, has expired or was already used. Request a new one.',
  not_supported: 'The Auth Service does not offer this.',
  rate_limited: 'Too many requests. Slow down.',
  method_not_allowed: 'Method not allowed.',
  payload_too_large: 'The request is too large.',
  unsupported_media_type: 'A POST request must have the Content-Type application/json.',
  internal: 'Internal error.',
};

const issuesToText = (issues: readonly InputIssue[]): string =>
  issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');

/** The message of `invalid_input`, which names each issue. */
export const invalidInputMessage = (issues: readonly InputIssue[]): string =>
  `The input is not valid: ${issuesToText(issues)}`;

/** The message of an input that is no superjson. It quotes nothing, because the text may contain a password. */
export const notSuperjsonMessage = 'The input is not superjson: expected {"json": …}.';
