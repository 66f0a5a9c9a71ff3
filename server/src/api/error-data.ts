import {
  codeOfReason,
  type ErrorCode,
  type ErrorData,
  httpStatusOfCode,
  type InputIssue,
  type Reason,
} from '@auth-bff/shared';
import type { TRPCError } from '@trpc/server';
import type { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import { ZodError } from 'zod';
import { AppError } from '../errors.ts';
import { safePath } from './safe-path.ts';

/** The error of any procedure. */
export interface ErrorShape {
  message: string;
  code: (typeof TRPC_ERROR_CODES_BY_KEY)[ErrorCode];
  data: ErrorData;
}

const maxIssues = 20;

/** What tRPC itself refuses, by its own codes. Whatever is not here is a fault of ours. */
const reasonOfTrpcCode: Partial<Record<TRPCError['code'], Reason>> = {
  BAD_REQUEST: 'invalid_input',
  PARSE_ERROR: 'invalid_input',
  NOT_FOUND: 'no_such_procedure',
  METHOD_NOT_SUPPORTED: 'method_not_allowed',
  PAYLOAD_TOO_LARGE: 'payload_too_large',
  UNSUPPORTED_MEDIA_TYPE: 'unsupported_media_type',
  TOO_MANY_REQUESTS: 'rate_limited',
};

const toIssues = (error: ZodError): InputIssue[] =>
  error.issues.slice(0, maxIssues).map(({ path, message }) => ({ path: path.map(String).join('.'), message }));

const issuesToText = (issues: readonly InputIssue[]) =>
  issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');

/** `invalid_input` that names each fault. */
export const invalidInput = (issues: InputIssue[]): AppError =>
  new AppError('invalid_input', { message: `The input is not valid: ${issuesToText(issues)}`, issues });

/** Any error as an AppError, which has a reason and a message that may be shown. */
export const toAppError = (error: TRPCError | AppError): AppError => {
  if (error instanceof AppError) return error;
  if (error.cause instanceof AppError) return error.cause;
  const reason = reasonOfTrpcCode[error.code] ?? 'internal';
  if (error.cause instanceof ZodError && reason === 'invalid_input') {
    return invalidInput(toIssues(error.cause));
  }
  if (reason === 'internal') return new AppError(reason, { cause: error.cause ?? error });
  // Its message quotes the path, which holds an input where a question mark is missing.
  if (reason === 'no_such_procedure') return new AppError(reason, { message: 'There is no such procedure.' });
  // A parser's message quotes what it could not read, and that may be a password: it is not kept for the log, either.
  const isParserMessage = error.cause !== undefined;
  return new AppError(reason, {
    ...(isParserMessage ? {} : { cause: error }),
    message: isParserMessage ? 'The input is not JSON as superjson writes it: {"json": …}.' : error.message,
    ...(reason === 'invalid_input' ? { issues: [] } : {}),
  });
};

/** What the caller is told of an error, in `data` of tRPC's error shape. */
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
