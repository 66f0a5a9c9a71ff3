import { errorAction, errorData, reasonOf } from '@auth-bff/client';

const defaultSeconds = 5;

/** Whole seconds until the next retry: `retryAfterSeconds`, or 5. */
export const retryAfterOf = (error: unknown): number =>
  Math.max(1, errorData(error)?.retryAfterSeconds ?? defaultSeconds);

/**
 * Whole seconds for which a person has to wait after a 429 or a 503. Null for every other error, and for a lost connection,
 * which may be back at once.
 */
export const waitSecondsOf = (error: unknown): number | null => {
  const action = errorAction(error);
  const isLater = action === 'slow-down' || (action === 'maintenance' && reasonOf(error) !== 'network');
  return isLater ? retryAfterOf(error) : null;
};
