import { type InputIssue, invalidInputMessage, messageOfReason, type Reason } from '@auth-bff/shared';

export type TestErrorOptions = {
  /** Default: the BFF's message for this reason. */
  message?: string;
  /** Whole seconds to wait before the next attempt. Sent as `Retry-After` as well. Default: none. */
  retryAfterSeconds?: number;
  /** The faults of the input, for `invalid_input`. Default: none. */
  issues?: readonly InputIssue[];
};

/** Why a call to the test BFF fails. `network`: no response arrives, and `fetch` rejects. */
export type FailureReason = Reason | 'network';

/** A failure of a call, as the BFF would answer it. */
export interface TestError extends Error {
  readonly name: 'TestError';
  readonly reason: FailureReason;
  readonly retryAfterSeconds: number | undefined;
  readonly issues: readonly InputIssue[] | undefined;
}

const messageOf = (reason: FailureReason, issues: readonly InputIssue[] = []): string => {
  if (reason === 'network') return 'Failed to fetch';
  return issues.length === 0 ? messageOfReason[reason] : invalidInputMessage(issues);
};

const isReason = (reason: unknown): reason is FailureReason =>
  reason === 'network' || (typeof reason === 'string' && Object.hasOwn(messageOfReason, reason));

/**
 * The error to throw from a function in `procedures`: the call fails with this reason, as if the BFF had rejected it. Throws a
 * TypeError for a reason that does not exist.
 */
export const testError = (reason: FailureReason, options: TestErrorOptions = {}): TestError => {
  if (!isReason(reason)) {
    const known = ['network', ...Object.keys(messageOfReason)].join(', ');
    throw new TypeError(`There is no reason ${JSON.stringify(reason) ?? typeof reason}. The reasons are: ${known}.`);
  }
  const { retryAfterSeconds, issues = reason === 'invalid_input' ? [] : undefined } = options;
  const error = new Error(options.message ?? messageOf(reason, issues));
  return Object.assign(error, { name: 'TestError', reason, retryAfterSeconds, issues } as const);
};

/** Compares the name: a test may load this module twice. */
export const isTestError = (error: unknown): error is TestError => error instanceof Error && error.name === 'TestError';
