import { codeOfReason, httpStatusOfCode } from '@auth-bff/shared';
import { getHTTPStatusCodeFromError } from '@trpc/server/http';
import { TRPCError } from '@trpc/server';
import { describe, expect, it } from 'vitest';

/** The documented contract, written by hand: reason, tRPC code, HTTP status. */
const promised = [
  ['token_expired', 'UNAUTHORIZED', 401],
  ['no_token', 'UNAUTHORIZED', 401],
  ['token_invalid', 'UNAUTHORIZED', 401],
  ['session_ended', 'UNAUTHORIZED', 401],
  ['refresh_superseded', 'UNAUTHORIZED', 401],
  ['bad_credentials', 'UNAUTHORIZED', 401],
  ['account_locked', 'UNAUTHORIZED', 401],
  ['account_inactive', 'UNAUTHORIZED', 401],
  ['captcha_required', 'UNAUTHORIZED', 401],
  ['otp_invalid', 'UNAUTHORIZED', 401],
  ['otp_expired', 'UNAUTHORIZED', 401],
  ['insufficient_permissions', 'FORBIDDEN', 403],
  ['csrf', 'FORBIDDEN', 403],
  ['user_not_found', 'NOT_FOUND', 404],
  ['employee_not_found', 'NOT_FOUND', 404],
  ['assignment_not_found', 'NOT_FOUND', 404],
  ['no_such_procedure', 'NOT_FOUND', 404],
  ['auth_service_unavailable', 'SERVICE_UNAVAILABLE', 503],
  ['store_unavailable', 'SERVICE_UNAVAILABLE', 503],
  ['overloaded', 'SERVICE_UNAVAILABLE', 503],
  ['auth_service_contract', 'BAD_GATEWAY', 502],
  ['invalid_input', 'BAD_REQUEST', 400],
  ['reset_link_invalid', 'BAD_REQUEST', 400],
  ['not_supported', 'NOT_IMPLEMENTED', 501],
  ['rate_limited', 'TOO_MANY_REQUESTS', 429],
  ['method_not_allowed', 'METHOD_NOT_SUPPORTED', 405],
  ['payload_too_large', 'PAYLOAD_TOO_LARGE', 413],
  ['unsupported_media_type', 'UNSUPPORTED_MEDIA_TYPE', 415],
  ['internal', 'INTERNAL_SERVER_ERROR', 500],
] as const;

describe('codeOfReason', () => {
  it.each(promised)('maps %s to %s', (reason, code) => {
    expect(codeOfReason[reason]).toBe(code);
  });

  it('has exactly the documented reasons', () => {
    expect(Object.keys(codeOfReason).toSorted()).toEqual(promised.map(([reason]) => reason).toSorted());
  });
});

describe('httpStatusOfCode', () => {
  it.each(promised)('for %s: maps %s to status %d, like tRPC', (_, code, status) => {
    expect(httpStatusOfCode[code]).toBe(status);
    expect(getHTTPStatusCodeFromError(new TRPCError({ code }))).toBe(status);
  });

  it('has no unused codes', () => {
    expect(Object.keys(httpStatusOfCode).toSorted()).toEqual([...new Set(Object.values(codeOfReason))].toSorted());
  });
});
