import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { type ErrorAction, errorAction, isAuthError, reasonOf } from '../../client/src/index.ts';
import { codeOfReason, type ErrorData, httpStatusOfCode, type Reason } from '../../shared/src/index.ts';

const failedWith = (data: Partial<Omit<ErrorData, 'reason'>> & { reason?: string }) =>
  new TRPCClientError('failed', { result: { error: { code: -32_603, message: 'failed', data } as never } });

const failedBy = (cause: Error) => TRPCClientError.from(cause);

const errorOf = (reason: Reason) => {
  const code = codeOfReason[reason];
  return failedWith({ code, httpStatus: httpStatusOfCode[code], reason });
};

// The documented error table, row by row.
const table: Record<Reason, ErrorAction> = {
  token_expired: 'sign-in',
  no_token: 'sign-in',
  token_invalid: 'sign-in',
  session_ended: 'sign-in',
  refresh_superseded: 'sign-in',
  bad_credentials: 'fix-input',
  account_locked: 'fix-input',
  account_inactive: 'fix-input',
  captcha_required: 'fix-input',
  otp_invalid: 'fix-input',
  otp_expired: 'sign-in',
  insufficient_permissions: 'access-denied',
  csrf: 'access-denied',
  user_not_found: 'not-found',
  employee_not_found: 'not-found',
  assignment_not_found: 'not-found',
  no_such_procedure: 'bug',
  auth_service_unavailable: 'maintenance',
  store_unavailable: 'maintenance',
  overloaded: 'maintenance',
  auth_service_contract: 'maintenance',
  invalid_input: 'fix-input',
  reset_link_invalid: 'fix-input',
  not_supported: 'bug',
  rate_limited: 'slow-down',
  method_not_allowed: 'bug',
  payload_too_large: 'bug',
  unsupported_media_type: 'bug',
  internal: 'bug',
};

describe('errorAction for errors of the BFF', () => {
  it.each(Object.entries(table) as [Reason, ErrorAction][])('%s: %s', (reason, action) => {
    const error = errorOf(reason);
    expect(reasonOf(error)).toBe(reason);
    expect(errorAction(error)).toBe(action);
    expect(isAuthError(error)).toBe(action === 'sign-in');
  });

  it('follows the code if the reason is unknown to this client', () => {
    const error = failedWith({ code: 'UNAUTHORIZED', httpStatus: 401, reason: 'device_unknown' });
    expect([reasonOf(error), errorAction(error), isAuthError(error)]).toEqual(['device_unknown', 'sign-in', true]);
    const odd = failedWith({ code: 'I_AM_A_TEAPOT' as ErrorData['code'], reason: 'short_and_stout' });
    expect(errorAction(odd)).toBe('bug');
  });

  it('follows the code if another server gives no reason', () => {
    const error = failedWith({ code: 'FORBIDDEN', httpStatus: 403 });
    expect([reasonOf(error), errorAction(error)]).toEqual([null, 'access-denied']);
    expect(errorAction(failedWith({ code: 'INTERNAL_SERVER_ERROR', httpStatus: 500 }))).toBe('bug');
  });

  it('is the same for the error of a second copy of @trpc/client', () => {
    const foreign = Object.assign(new Error('failed'), {
      name: 'TRPCClientError',
      shape: {},
      data: { code: 'SERVICE_UNAVAILABLE', httpStatus: 503, reason: 'overloaded' },
    });
    expect([reasonOf(foreign), errorAction(foreign)]).toEqual(['overloaded', 'maintenance']);
  });
});

describe('a failed network', () => {
  it.each([
    ['Node', new TypeError('fetch failed')],
    ['Node, in the middle of an answer', new TypeError('terminated')],
    ['Chrome', new TypeError('Failed to fetch')],
    ['Chrome, in the middle of an answer', new TypeError('network error')],
    ['Firefox', new TypeError('NetworkError when attempting to fetch resource.')],
    ['Safari', new TypeError('Load failed')],
    ['Safari, offline', new TypeError('The Internet connection appears to be offline.')],
    ['Safari, connection lost', new TypeError('The network connection was lost.')],
    ['Safari, no such host', new TypeError('A server with the specified hostname could not be found.')],
    ['React Native', new TypeError('Network request failed')],
  ])('of %s is the same for calls and for session.fetch', (_name, cause) => {
    for (const error of [cause, failedBy(cause)]) {
      expect([reasonOf(error), errorAction(error), isAuthError(error)]).toEqual(['network', 'maintenance', false]);
    }
  });

  it.each([
    ['that is no JSON', new SyntaxError('Unexpected token < in JSON at position 0')],
    ['that is JSON of a gateway', new Error('Unable to transform response from server')],
    ['that came too late', new DOMException('The operation timed out.', 'TimeoutError')],
  ])('is an answer %s', (_name, cause) => {
    expect([reasonOf(failedBy(cause)), errorAction(failedBy(cause))]).toEqual(['network', 'maintenance']);
  });
});

describe('an error that is not a failed call', () => {
  it.each<[string, unknown]>([
    ['an aborted call', failedBy(new DOMException('This operation was aborted', 'AbortError'))],
    ['a call that left its batch', failedBy(new Error('Aborted'))],
    ['a call that is too long', failedBy(new Error('Input is too big for a single dispatch'))],
    ['a call without an address', failedBy(new TypeError('Outside a browser the url must be absolute'))],
    ['an aborted fetch', new DOMException('This operation was aborted', 'AbortError')],
    ['a mistake in the program', new TypeError("Cannot read properties of undefined (reading 'id')")],
    ['an error', new Error('failed')],
    ['a text', 'UNAUTHORIZED'],
    ['an object', { data: { reason: 'token_expired', code: 'UNAUTHORIZED' } }],
    ['null', null],
    ['undefined', undefined],
  ])('is %s', (_name, error) => {
    expect([reasonOf(error), errorAction(error), isAuthError(error)]).toEqual([null, 'bug', false]);
  });
});
