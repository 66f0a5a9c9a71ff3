import type { ErrorCode, ErrorData, Reason } from '@auth-bff/shared';
import { TRPCClientError } from '@trpc/client';
import { abortError } from './abortable.ts';

/** What a frontend does about a failed call. */
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

/** Where the reason says more than its code. */
const actionOfReason: Partial<Record<Reason, ErrorAction>> = {
  bad_credentials: 'fix-input',
  account_locked: 'fix-input',
  account_inactive: 'fix-input',
  captcha_required: 'fix-input',
  otp_invalid: 'fix-input',
  no_such_procedure: 'bug',
};

/** What browsers and Node say where a `fetch` of one's own had no answer. */
const fetchFailures = /fetch failed|failed to fetch|load failed|network|internet|hostname|^terminated$/i;

/** What is said of a call that was never sent: it left its batch, is too long, or has no address. */
const neverSent = /^(Aborted$|Input is too big|Outside a browser)/;

/** By its name, since a frontend may well have two copies of @trpc/client. */
const isCallError = (error: unknown): error is TRPCClientError<never> =>
  error instanceof Error && error.name === 'TRPCClientError';

/** What the server said of a failed call in tRPC's shape, whoever's server it is. */
const answerOf = (error: unknown): Partial<ErrorData> | null =>
  isCallError(error) ? ((error.data as Partial<ErrorData> | null | undefined) ?? null) : null;

/** What the BFF said of a failed call, where it said anything. */
export const dataOf = (error: unknown): ErrorData | null => {
  const data = answerOf(error);
  return typeof data?.reason === 'string' ? (data as ErrorData) : null;
};

/**
 * Why a call failed. `network` means that no answer came that could be read: a lost connection, or a proxy's
 * own page. Null where it is no failed call, such as one that was aborted, and where another server gave no reason.
 */
export const reasonOf = (error: unknown): Reason | 'network' | null => {
  const data = dataOf(error);
  if (data) return data.reason;
  if (!isCallError(error)) return error instanceof TypeError && fetchFailures.test(error.message) ? 'network' : null;
  const { shape, cause } = error;
  const isSent = !cause || (cause.name !== 'AbortError' && !neverSent.test(cause.message));
  return shape === undefined && isSent ? 'network' : null;
};

/** What to do about a failed call, whatever it was. The guide's "Error Handling", as one word. */
export const errorAction = (error: unknown): ErrorAction => {
  const reason = reasonOf(error);
  if (reason === 'network') return 'maintenance';
  const code = answerOf(error)?.code;
  return (reason && actionOfReason[reason]) ?? (code && actionOfCode[code]) ?? 'bug';
};

/** Whether the call failed because nobody is signed in any more: a sign-in helps, another attempt does not. */
export const isAuthError = (error: unknown): boolean => errorAction(error) === 'sign-in';

/** The error of a call whose session ended while it waited. */
export const sessionEnded = (): TRPCClientError<never> => {
  const message = 'The session has ended: sign in again.';
  const data: ErrorData = { code: 'UNAUTHORIZED', httpStatus: 401, reason: 'session_ended' };
  return new TRPCClientError<never>(message, { result: { error: { code: -32_001, message, data } as never } });
};

/** The error of a call that waited in vain. An aborted one failed for no reason, whatever it was aborted with. */
export const waitFailed = (reason: unknown, signal: AbortSignal | null | undefined): TRPCClientError<never> =>
  TRPCClientError.from(signal?.aborted ? abortError() : (reason as Error));
