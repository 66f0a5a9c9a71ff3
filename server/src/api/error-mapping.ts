import {
  codeOfReason,
  type ErrorCode,
  type ErrorData,
  httpStatusOfCode,
  type InputIssue,
  invalidInputMessage,
  notSuperjsonMessage,
  type Reason,
  reasonOfTrpcCode,
  safePath,
} from '@auth-bff/shared';
import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server';
import { ZodError } from 'zod';
import { AppError } from '../errors.ts';

const maxIssues = 20;

const toIssues = (error: ZodError): InputIssue[] =>
  error.issues.slice(0, maxIssues).map(({ path, message }) => ({ path: path.map(String).join('.'), message }));

/** `invalid_input` with a message that names each issue. */
export const invalidInput = (issues: InputIssue[]): AppError =>
  new AppError('invalid_input', { message: invalidInputMessage(issues), issues });

/** An error that tRPC raised itself: it wraps no AppError. */
const trpcErrorToAppError = (error: TRPCError): AppError => {
  const { cause, code, message } = error;
  const reason = reasonOfTrpcCode[code] ?? 'internal';
  const issues = reason === 'invalid_input' ? { issues: [] } : {};
  if (reason === 'internal') return new AppError(reason, { cause: cause ?? error });
  // tRPC's message quotes the path, which contains an input if the client left out the question mark.
  if (reason === 'no_such_procedure') return new AppError(reason);
  if (reason === 'invalid_input' && cause instanceof ZodError) return invalidInput(toIssues(cause));
  if (cause === undefined) return new AppError(reason, { message, cause: error, ...issues });
  // A JSON parser quotes the text that it cannot parse, which may be a password. So its error is not kept as a cause, either.
  return new AppError(reason, { message: notSuperjsonMessage, ...issues });
};

/** Any error as an AppError, whose message may be shown to the caller. */
export const toAppError = (error: TRPCError | AppError): AppError => {
  if (error instanceof AppError) return error;
  return error.cause instanceof AppError ? error.cause : trpcErrorToAppError(error);
};

export const toTRPCError = (error: AppError): TRPCError =>
  new TRPCError({ code: codeOfReason[error.reason], message: error.message, cause: error });

/** tRPC's own function formats the stack of each AppError, which costs as much as a call. */
export const thrownToTRPCError = (thrown: unknown): TRPCError =>
  thrown instanceof AppError ? toTRPCError(thrown) : getTRPCErrorFromUnknown(thrown);

export const reasonOf = (thrown: unknown): Reason =>
  (thrown instanceof AppError ? thrown : toAppError(getTRPCErrorFromUnknown(thrown))).reason;

/** `data` of tRPC's error shape. */
export const toErrorData = (error: AppError, path: string | undefined): ErrorData => {
  const code: ErrorCode = codeOfReason[error.reason];
  return {
    code,
    httpStatus: httpStatusOfCode[code],
    reason: error.reason,
    ...(path === undefined ? {} : { path: safePath(path) }),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
    ...(error.issues === undefined ? {} : { issues: error.issues }),
  };
};
