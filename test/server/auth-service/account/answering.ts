import {
  createAccountCalls,
  type AccountCallsOptions,
} from '../../../../server/src/auth-service/account/account-calls.ts';
import type { Endpoint } from '../../../../server/src/auth-service/endpoints.ts';
import type { Caller } from '../../../../server/src/auth-service/caller.ts';
import type { UpstreamRequest, UpstreamResponse } from '../../../../server/src/auth-service/transport.ts';
import { AppError } from '../../../../server/src/errors.ts';

export type Answer = Partial<UpstreamResponse> & { json?: unknown };

export const toResponse = ({ json, ...answer }: Answer): UpstreamResponse => ({
  status: 200,
  date: null,
  contentType: 'application/json',
  location: null,
  retryAfter: null,
  setCookies: [],
  body: json === undefined ? '' : JSON.stringify(json),
  ...answer,
});

/** The account calls over a transport with fixed answers: the first one for the first request, the last one for all later ones. */
export const answering = (answers: readonly Answer[], options: Partial<AccountCallsOptions> = {}) => {
  const requests: Array<{ endpoint: Endpoint; request: UpstreamRequest }> = [];
  const request = (endpoint: Endpoint, upstreamRequest: UpstreamRequest = {}) => {
    requests.push({ endpoint, request: upstreamRequest });
    return Promise.resolve(toResponse(answers[Math.min(requests.length, answers.length) - 1] ?? {}));
  };
  const calls = createAccountCalls({ transport: { request }, now: () => 0, ...options });
  return { calls, requests, sent: () => requests.map(({ endpoint }) => `${endpoint.method} ${endpoint.path}`) };
};

export const staff: Caller = { type: 'staff', id: 7, accessToken: 'token-of-staff' };
export const employee: Caller = { type: 'employee', id: 7, accessToken: 'token-of-employee' };

/** The error of a call, or `resolved`. */
export const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => 'resolved' as const,
    (error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      const { reason, message, issues } = error;
      return { reason, message, issues };
    },
  );
