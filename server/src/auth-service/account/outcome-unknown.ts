import { isAppError } from '../../errors.ts';

/** Whether a failed write may have been made nevertheless: the Auth Service got it, and gave no readable verdict. */
export const isOutcomeUnknown = (error: unknown): boolean => {
  if (isAppError(error, 'auth_service_contract')) return true;
  if (!isAppError(error, 'auth_service_unavailable')) return false;
  const { upstream } = error;
  return typeof upstream === 'number'
    ? upstream >= 500
    : upstream === 'no_response' || upstream === 'connection_closed';
};
