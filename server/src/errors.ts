import type { InputIssue, Reason } from '@auth-bff/shared';

/** Default messages. */
const messageOfReason: Record<Reason, string> = {
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
  no_such_procedure: 'No such procedure.',
  auth_service_unavailable: 'The Auth Service is unavailable. Try again shortly.',
  store_unavailable: 'The shared store is unavailable. Try again shortly.',
  overloaded: 'The service is overloaded. Try again shortly.',
  auth_service_contract: 'The Auth Service returned an unexpected response.',
  invalid_input: 'Invalid input.',
  rate_limited: 'Too many requests. Slow down.',
  method_not_allowed: 'Method not allowed.',
  payload_too_large: 'The request is too large.',
  unsupported_media_type: 'A POST request must have the Content-Type application/json.',
  internal: 'Internal error.',
};

/**
 * The HTTP status, or: `unreachable`: no connection. `connection_closed`: closed before any response. `no_response`: no
 * complete response within the deadline.
 */
export type UpstreamFailure = number | 'unreachable' | 'connection_closed' | 'no_response';

export type AppErrorOptions = {
  cause?: unknown;
  /** Sent to the client, so it must contain no secret and no part of an upstream body. */
  message?: string;
  /** Whole seconds after which a retry makes sense. */
  retryAfterSeconds?: number | undefined;
  issues?: InputIssue[];
  /** How the Auth Service failed. */
  upstream?: UpstreamFailure | undefined;
  /** The session cookies are useless and must be cleared. Default false. */
  endsSession?: boolean;
};

/** A failure that the client can handle. Clients branch on `reason`, never on the message. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly reason: Reason;
  readonly retryAfterSeconds: number | undefined;
  readonly issues: InputIssue[] | undefined;
  readonly upstream: UpstreamFailure | undefined;
  readonly endsSession: boolean;

  constructor(reason: Reason, options: AppErrorOptions = {}) {
    const { cause, message, retryAfterSeconds, issues, upstream, endsSession } = options;
    super(message ?? messageOfReason[reason], cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
    this.issues = issues;
    this.upstream = upstream;
    this.endsSession = endsSession ?? false;
  }
}

/** Without `reasons`, true for every AppError. */
export const isAppError = (error: unknown, ...reasons: Reason[]): error is AppError =>
  error instanceof AppError && (reasons.length === 0 || reasons.includes(error.reason));
