import { type AppError, isAppError } from '../../errors.ts';

/** Whether the call never reached the Auth Service. That cannot depend on what it says. */
export const isUnsent = (error: unknown): error is AppError =>
  isAppError(error, 'overloaded') ||
  (isAppError(error, 'auth_service_unavailable') && (error.upstream === undefined || error.upstream === 'unreachable'));

/** Whether a failed write may have been made nevertheless: the Auth Service got it, and gave no readable verdict. */
export const isOutcomeUnknown = (error: unknown): boolean => {
  if (isAppError(error, 'auth_service_contract')) return true;
  if (!isAppError(error, 'auth_service_unavailable')) return false;
  const { upstream } = error;
  return typeof upstream === 'number'
    ? upstream >= 500
    : upstream === 'no_response' || upstream === 'connection_closed';
};
