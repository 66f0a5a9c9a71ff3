import { isAppError } from '../errors.ts';

/** Makes a reservation, and calls `onLimited` if a limit rejects it. */
export const reportLimited = async <Reserved>(
  makeReservation: () => Promise<Reserved>,
  onLimited: () => void,
): Promise<Reserved> => {
  try {
    return await makeReservation();
  } catch (error) {
    if (isAppError(error, 'rate_limited')) onLimited();
    throw error;
  }
};
