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
  NOT_IMPLEMENTED: 501,
  BAD_GATEWAY: 502,
  SERVICE_UNAVAILABLE: 503,
} as const;

export type ErrorCode = keyof typeof httpStatusOfCode;

/** The reasons of failed calls and their tRPC codes. Callers branch on the reason: messages may change, reasons do not. */
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
  assignment_not_found: 'NOT_FOUND',
  no_such_procedure: 'NOT_FOUND',
  auth_service_unavailable: 'SERVICE_UNAVAILABLE',
  store_unavailable: 'SERVICE_UNAVAILABLE',
  overloaded: 'SERVICE_UNAVAILABLE',
  auth_service_contract: 'BAD_GATEWAY',
  invalid_input: 'BAD_REQUEST',
  reset_link_invalid: 'BAD_REQUEST',
  not_supported: 'NOT_IMPLEMENTED',
  rate_limited: 'TOO_MANY_REQUESTS',
  method_not_allowed: 'METHOD_NOT_SUPPORTED',
  payload_too_large: 'PAYLOAD_TOO_LARGE',
  unsupported_media_type: 'UNSUPPORTED_MEDIA_TYPE',
  internal: 'INTERNAL_SERVER_ERROR',
} as const satisfies Record<string, ErrorCode>;

export type Reason = keyof typeof codeOfReason;

/** Reasons of the errors that tRPC raises itself, by tRPC's code. Any other code is a fault of the BFF. */
export const reasonOfTrpcCode: Readonly<Partial<Record<string, Reason>>> = {
  BAD_REQUEST: 'invalid_input',
  PARSE_ERROR: 'invalid_input',
  NOT_FOUND: 'no_such_procedure',
  METHOD_NOT_SUPPORTED: 'method_not_allowed',
  PAYLOAD_TOO_LARGE: 'payload_too_large',
  UNSUPPORTED_MEDIA_TYPE: 'unsupported_media_type',
  TOO_MANY_REQUESTS: 'rate_limited',
};

/** A fault in a call's input: its path (`ids.3`), and the expected value or the reason of a refusal. */
export interface InputIssue {
  path: string;
  message: string;
}

/** The `data` of every error of the BFF. */
export interface ErrorData {
  code: ErrorCode;
  httpStatus: number;
  reason: Reason;
  /** The procedure called, if it is known. */
  path?: string;
  /** Whole seconds to wait before the next attempt, if waiting helps. */
  retryAfterSeconds?: number;
  /** Each fault of the input, with `invalid_input`; the fields that the person may not change, with `insufficient_permissions`. */
  issues?: InputIssue[];
  /** Only in development. */
  stack?: string;
}
