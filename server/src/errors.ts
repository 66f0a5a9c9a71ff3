import { type InputIssue, messageOfReason, type Reason } from '@auth-bff/shared';

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
  /** The caller has reached a limit of their own, which is no fault of the service. Default false. */
  isOwnLimit?: boolean;
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
  readonly isOwnLimit: boolean;
  readonly endsSession: boolean;

  constructor(reason: Reason, options: AppErrorOptions = {}) {
    const { cause, message, retryAfterSeconds, issues, upstream, isOwnLimit, endsSession } = options;
    super(message ?? messageOfReason[reason], cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
    this.issues = issues;
    this.upstream = upstream;
    this.isOwnLimit = isOwnLimit ?? false;
    this.endsSession = endsSession ?? false;
  }
}

/** Any error as an AppError. One that is none is a fault of the BFF, and its message is not shown. */
export const asAppError = (error: unknown): AppError =>
  error instanceof AppError ? error : new AppError('internal', { cause: error });

/** Without `reasons`, true for every AppError. */
export const isAppError = (error: unknown, ...reasons: Reason[]): error is AppError =>
  error instanceof AppError && (reasons.length === 0 || reasons.includes(error.reason));
