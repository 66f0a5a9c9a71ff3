/** The tRPC error codes that the BFF answers with, each with the HTTP status that goes with it. */
export const httpStatusOfCode = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_SUPPORTED: 405,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TOO_MANY_REQUESTS: 429,
  INTERNAL_SERVER_ERROR: 500,
  BAD_GATEWAY: 502,
  SERVICE_UNAVAILABLE: 503,
} as const;

export type ErrorCode = keyof typeof httpStatusOfCode;

/**
 * Why a call failed: the one word that callers branch on, and the tRPC code that goes with it.
 * Messages are for people and may change; reasons do not.
 */
export const codeOfReason = {
  token_expired: 'UNAUTHORIZED',
  no_token: 'UNAUTHORIZED',
  token_invalid: 'UNAUTHORIZED',
  session_ended: 'UNAUTHORIZED',
  refresh_superseded: 'UNAUTHORIZED',
  bad_credentials: 'UNAUTHORIZED',
  account_locked: 'UNAUTHORIZED',
  account_inactive: 'UNAUTHORIZED',
  captcha_required: 'UNAUTHORIZED',
  otp_invalid: 'UNAUTHORIZED',
  otp_expired: 'UNAUTHORIZED',
  insufficient_permissions: 'FORBIDDEN',
  csrf: 'FORBIDDEN',
  user_not_found: 'NOT_FOUND',
  employee_not_found: 'NOT_FOUND',
  no_such_procedure: 'NOT_FOUND',
  auth_service_unavailable: 'SERVICE_UNAVAILABLE',
  store_unavailable: 'SERVICE_UNAVAILABLE',
  overloaded: 'SERVICE_UNAVAILABLE',
  auth_service_contract: 'BAD_GATEWAY',
  invalid_input: 'BAD_REQUEST',
  rate_limited: 'TOO_MANY_REQUESTS',
  method_not_allowed: 'METHOD_NOT_SUPPORTED',
  payload_too_large: 'PAYLOAD_TOO_LARGE',
  unsupported_media_type: 'UNSUPPORTED_MEDIA_TYPE',
  internal: 'INTERNAL_SERVER_ERROR',
} as const satisfies Record<string, ErrorCode>;

export type Reason = keyof typeof codeOfReason;

/** One fault in a call's input: where it is (`ids.3`), and what would be right. */
export type InputIssue = { path: string; message: string };

/** What every error of the BFF carries in `data`, whatever made it. */
export type ErrorData = {
  code: ErrorCode;
  httpStatus: number;
  reason: Reason;
  /** The procedure asked, where one was. */
  path?: string;
  /** Whole seconds after which a new attempt makes sense, where waiting helps. */
  retryAfterSeconds?: number;
  /** With `invalid_input` alone: each fault. */
  issues?: InputIssue[];
  /** In development alone. */
  stack?: string;
};
