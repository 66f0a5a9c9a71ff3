import { errorAction } from '@auth-bff/client';

/** Why a call may be repeated only later. The countdown follows it. */
export const waitWords = (error: unknown): string =>
  errorAction(error) === 'slow-down' ? 'Too many attempts.' : 'The Auth Service is unavailable.';
