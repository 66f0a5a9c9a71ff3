import { AppError } from '../errors.ts';

/** The session was signed out. `endsSession`: the response clears the cookies. */
export const signedOutError = ({ endsSession = false } = {}): AppError =>
  new AppError('session_ended', { message: 'This session was signed out.', endsSession });

/** The session cannot be continued. The response clears the cookies. */
export const endedError = (cause: unknown): AppError => new AppError('session_ended', { cause, endsSession: true });

export const inactiveError = (): AppError =>
  new AppError('session_ended', { message: 'This account is no longer active. Ask an administrator.' });
