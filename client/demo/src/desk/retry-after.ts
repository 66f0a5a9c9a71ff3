import { errorData } from '@auth-bff/client';

const defaultSeconds = 5;

/** Whole seconds until the next retry: `retryAfterSeconds`, or 5. */
export const retryAfterOf = (error: unknown): number =>
  Math.max(1, errorData(error)?.retryAfterSeconds ?? defaultSeconds);
