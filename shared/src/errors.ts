/** The tRPC error codes of the BFF and their HTTP statuses. */
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

/** Error reasons and their tRPC codes. Clients branch on the reason: it is stable, while messages may change. */
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

/** One invalid part of the input: its path, such as `ids.3`, and the expected value. */
export type InputIssue = { path: string; message: string };

/** The `data` of every error of the BFF. */
export type ErrorData = {
  code: ErrorCode;
  httpStatus: number;
  reason: Reason;
  /** The called procedure, if there is one. */
  path?: string;
  /** Whole seconds after which a retry makes sense. */
  retryAfterSeconds?: number;
  /** Only with `invalid_input`. */
  issues?: InputIssue[];
  /** Only in development. */
  stack?: string;
};
