import type { ErrorCode, ErrorData, Reason } from '@auth-bff/shared';
import { TRPCClientError } from '@trpc/client';
import { abortError } from './abortable.ts';

/** How a frontend handles a failed call. */
export type ErrorAction = 'sign-in' | 'fix-input' | 'access-denied' | 'not-found' | 'maintenance' | 'slow-down' | 'bug';

const actionOfCode: Partial<Record<ErrorCode, ErrorAction>> = {
  UNAUTHORIZED: 'sign-in',
  FORBIDDEN: 'access-denied',
  NOT_FOUND: 'not-found',
  SERVICE_UNAVAILABLE: 'maintenance',
  BAD_GATEWAY: 'maintenance',
  BAD_REQUEST: 'fix-input',
  TOO_MANY_REQUESTS: 'slow-down',
};

/** Reasons whose action differs from that of their code. */
const actionOfReason: Partial<Record<Reason, ErrorAction>> = {
  bad_credentials: 'fix-input',
  account_locked: 'fix-input',
  account_inactive: 'fix-input',
  captcha_required: 'fix-input',
  otp_invalid: 'fix-input',
  no_such_procedure: 'bug',
};

/** Messages of browsers and Node when `fetch` gets no response. */
const fetchFailures = /fetch failed|failed to fetch|load failed|network|internet|hostname|^terminated$/i;

/** Messages of calls that were never sent: aborted in their batch, too long, without an absolute URL, or without `liveLink`. */
const neverSent = /^(Aborted$|Input is too big|Outside a browser|Subscriptions)/;

/** Compares the name, because a frontend may have two copies of @trpc/client. */
const isCallError = (error: unknown): error is TRPCClientError<never> =>
  error instanceof Error && error.name === 'TRPCClientError';

/** The error's `data` in tRPC's format, from any server. */
const rawDataOf = (error: unknown): Partial<ErrorData> | null =>
  isCallError(error) ? ((error.data as Partial<ErrorData> | null | undefined) ?? null) : null;

/** The `data` of an error of the BFF. Null for any other error. */
export const errorData = (error: unknown): ErrorData | null => {
  const data = rawDataOf(error);
  return typeof data?.reason === 'string' ? (data as ErrorData) : null;
};

/**
 * The reason of a failed call. `network`: no readable response arrived, because the connection failed or a proxy responded
 * with its own page. Null for an aborted call, for an error of another server without a reason, and for any other error.
 */
export const reasonOf = (error: unknown): Reason | 'network' | null => {
  const data = errorData(error);
  if (data) return data.reason;
  if (!isCallError(error)) return error instanceof TypeError && fetchFailures.test(error.message) ? 'network' : null;
  const { shape, cause } = error;
  const isSent = !cause || (cause.name !== 'AbortError' && !neverSent.test(cause.message));
  return shape === undefined && isSent ? 'network' : null;
};

/** The action for an error, as in the integration guide's "Error Handling". `bug` for an error that is not a failed call. */
export const errorAction = (error: unknown): ErrorAction => {
  const reason = reasonOf(error);
  if (reason === 'network') return 'maintenance';
  const code = rawDataOf(error)?.code;
  return (reason && actionOfReason[reason]) ?? (code && actionOfCode[code]) ?? 'bug';
};

/** Whether the person must sign in again. Short for `errorAction(error) === 'sign-in'`. */
export const isAuthError = (error: unknown): boolean => errorAction(error) === 'sign-in';

/** The error of a call whose session ended while the call waited for a refresh. */
export const sessionEndedError = (): TRPCClientError<never> => {
  const message = 'The session has ended. Sign in again.';
  const data: ErrorData = { code: 'UNAUTHORIZED', httpStatus: 401, reason: 'session_ended' };
  return new TRPCClientError<never>(message, { result: { error: { code: -32_001, message, data } as never } });
};

/** The error of a call that failed while it waited. For an aborted call: an `AbortError`, whatever the signal's reason. */
export const toCallError = (reason: unknown, signal: AbortSignal | null | undefined): TRPCClientError<never> =>
  TRPCClientError.from(signal?.aborted ? abortError() : (reason as Error));
