import type { InputIssue, Reason } from '@auth-bff/shared';

/** What a person is told where nothing more precise is known. */
const messageOfReason: Record<Reason, string> = {
  token_expired: 'The session has expired: refresh it, then call again.',
  no_token: 'Nobody is signed in: no access token came with the call.',
  token_invalid: 'The access token is not valid: sign in again.',
  session_ended: 'The session has ended: sign in again.',
  refresh_superseded: 'This refresh token was already exchanged; the browser holds newer cookies.',
  bad_credentials: 'The e-mail address or the password is wrong.',
  account_locked: 'Too many failed sign-ins: this account is locked for a while. Try again later.',
  account_inactive: 'This account is not active: ask an administrator.',
  captcha_required: 'The Auth Service asks for a captcha: send captchaToken along.',
  otp_invalid: 'The code is wrong: check it and try again.',
  otp_expired: 'This sign-in is too old or has had too many wrong codes: sign in again.',
  insufficient_permissions: 'This is not permitted for the person signed in.',
  csrf: 'The request was refused because it may come from another site.',
  user_not_found: 'There is no such user.',
  employee_not_found: 'There is no such employee.',
  no_such_procedure: 'There is no such procedure.',
  auth_service_unavailable: 'The Auth Service is not available: try again shortly.',
  store_unavailable: 'The shared store is not available: try again shortly.',
  overloaded: 'The service has too much to do: try again shortly.',
  auth_service_contract: "The Auth Service's answer is not as agreed.",
  invalid_input: 'The input is not valid.',
  rate_limited: 'Too many requests: slow down.',
  method_not_allowed: 'This method is not supported here.',
  payload_too_large: 'The request is too large.',
  unsupported_media_type: 'A POST must be application/json.',
  internal: 'Something went wrong on our side.',
};

/** `unreachable`: no connection. `hung_up`: the connection ended before any answer. `silent`: no whole answer in time. */
export type UpstreamEnd = number | 'unreachable' | 'hung_up' | 'silent';

export type AppErrorOptions = {
  cause?: unknown;
  /** For people; it goes to the caller, so it holds no secret and nothing of an upstream's body. */
  message?: string;
  /** Whole seconds after which a new attempt makes sense. */
  retryAfterSeconds?: number | undefined;
  issues?: InputIssue[];
  /** How the Auth Service failed, where it did: the status it answered, or that it did not. */
  upstream?: UpstreamEnd | undefined;
  /** Whether the caller's cookies are of no more use, and are to be cleared. Default false. */
  endsSession?: boolean;
};

/** A failure that the caller can act on: they branch on `reason`, never on the message. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly reason: Reason;
  readonly retryAfterSeconds: number | undefined;
  readonly issues: InputIssue[] | undefined;
  readonly upstream: UpstreamEnd | undefined;
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

/** Whether `error` is an AppError, and, where reasons are given, one of those. */
export const isAppError = (error: unknown, ...reasons: Reason[]): error is AppError =>
  error instanceof AppError && (reasons.length === 0 || reasons.includes(error.reason));
