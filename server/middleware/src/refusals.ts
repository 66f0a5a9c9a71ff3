/** Why a request is refused. Code branches on the reason; the response stays the guide's. */
export type RefusalReason =
  /** No access token or assertion. */
  | 'no_token'
  | 'token_expired'
  | 'token_invalid'
  /** The BFF, asked for roles, no longer accepts the token: the person was signed out. */
  | 'session_ended'
  /** The person lacks the system or the role. */
  | 'insufficient_permissions'
  /** The token names no system for its roles, and `resolveRoles` is not set. */
  | 'roles_without_system'
  /** The roles could not be looked up. */
  | 'roles_unavailable'
  /** The keys of assertions could not be loaded. */
  | 'jwks_unavailable';

export type RefusalStatus = 401 | 403 | 503;
/** The JSON body of a refusal. The texts for 401 and 403 are exactly those of the guide. */
export type RefusalBody = { error: string };
export type Refusal = { state: 'refused'; status: RefusalStatus; body: RefusalBody; reason: RefusalReason };

type Answer = { status: RefusalStatus; error: string };
const invalidToken: Answer = { status: 401, error: 'Invalid token' };
const insufficient: Answer = { status: 403, error: 'Insufficient permissions' };
// An outage is never a sign-out, so it is no 401.
const unavailable: Answer = { status: 503, error: 'Service unavailable' };

const answers: Record<RefusalReason, Answer> = {
  no_token: { status: 401, error: 'Authentication required' },
  token_expired: invalidToken,
  token_invalid: invalidToken,
  session_ended: invalidToken,
  insufficient_permissions: insufficient,
  roles_without_system: insufficient,
  roles_unavailable: unavailable,
  jwks_unavailable: unavailable,
};

export const toRefusal = (reason: RefusalReason): Refusal => {
  const { status, error } = answers[reason];
  return { state: 'refused', status, body: { error }, reason };
};

/** Thrown where a request must be refused. The message is for operators, and contains no token. */
export class RefusalError extends Error {
  override readonly name = 'RefusalError';
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export const refusalType = 'application/json; charset=utf-8';

/** By its name: the error may be of another copy of this package. */
export const isRefusalError = (error: unknown): error is RefusalError =>
  error instanceof Error &&
  error.name === 'RefusalError' &&
  'reason' in error &&
  Object.hasOwn(answers, String(error.reason));
