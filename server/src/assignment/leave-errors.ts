import { AppError } from '../errors.ts';

/** The end of a leave has passed by the clock of the store. */
export const untilHasPassed = (): AppError =>
  new AppError('invalid_input', {
    message: '`until` has passed.',
    issues: [{ path: 'until', message: 'Expected a time in the future' }],
  });

export const tooManyLeaves = (): AppError =>
  new AppError('rate_limited', {
    message: 'Too many people are away for the store of leaves. End some of the leaves first.',
    retryAfterSeconds: 3_600,
  });
