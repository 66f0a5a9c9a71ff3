import { AppError, type AppErrorOptions } from '../errors.ts';
import { onAbort } from '../platform/on-abort.ts';
import { isSync, type MaybePromise } from '../platform/maybe-promise.ts';
import type { QueueEvents } from './resilience/bulkhead.ts';
import type { RequestMeta } from './caller.ts';

/** Access tokens of the service account. The functions throw a `ServiceAccountError`. */
export type AccountTokens = {
  /** A token that has not expired. Synchronous if no I/O is needed. */
  current: (cause: RequestMeta) => MaybePromise<string>;
  /** Replaces a token that the Auth Service refused before its expiry. */
  renew: (refused: string, cause: RequestMeta) => Promise<string>;
  /** The id of the account, a staff user. Signs in if it is not known yet. */
  id: (cause: RequestMeta) => Promise<number>;
  /** Whether the last sign-in or refresh failed, for any reason. */
  isFailing: () => boolean;
};

/** A service that calls without a person. */
export type CallingService = {
  name: string;
  /** Null: the service account is not configured. */
  account: AccountTokens | null;
};

/**
 * The service account has no usable session. It concerns the calls of services only: a person's call of the same data may
 * succeed with their own token.
 */
export class ServiceAccountError extends AppError {
  constructor(options: Pick<AppErrorOptions, 'cause' | 'retryAfterSeconds'>) {
    super('auth_service_unavailable', {
      message: 'The service account of the BFF cannot be used at the moment. Try again later.',
      ...options,
    });
  }
}

/** The value, or the reason of the signal if it aborts first. */
const untilAborted = <Value>(value: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> =>
  signal === undefined
    ? value
    : new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        const stopListening = onAbort(signal, () => reject(signal.reason as Error));
        value.then(resolve, reject).finally(stopListening);
      });

export type SendOptions = QueueEvents & { signal?: AbortSignal | undefined; cause: RequestMeta };

/**
 * Sends a request with the token of the service account. If the Auth Service refuses the token, the account signs in once
 * more. While the call waits for a sign-in it counts as queued, so that people who want the same data do not wait for it.
 */
export const sendAsAccount = async <Result>(
  { account }: CallingService,
  { signal, onQueued, cause }: SendOptions,
  send: (accessToken: string) => Promise<Result>,
): Promise<Result> => {
  if (account === null) throw new AppError('insufficient_permissions');
  const wait = (token: Promise<string>): Promise<string> => {
    onQueued?.();
    return untilAborted(token, signal);
  };
  const isRefusal = (error: unknown) => error instanceof AppError && error.reason === 'session_ended';

  const current = account.current(cause);
  const token = isSync(current) ? current : await wait(current);
  try {
    return await send(token);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const renewed = await wait(account.renew(token, cause));
  try {
    return await send(renewed);
  } catch (error) {
    throw isRefusal(error) ? new ServiceAccountError({ cause: error, retryAfterSeconds: 60 }) : error;
  }
};
