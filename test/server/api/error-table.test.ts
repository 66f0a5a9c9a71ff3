import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../../server/dev/auth-service/auth-service.ts';
import { signInPeople, type Subject } from '../../../server/dev/auth-service/people/people.ts';
import { codeOfReason, httpStatusOfCode, type Reason } from '../../../shared/src/index.ts';
import type { Browser } from '../../support/app/browser.ts';
import { errorOf, postHeaders, queryTarget, written } from '../../support/app/raw-request.ts';
import { createClock, dialects, startApp, type TestApp } from '../../support/app/start-app.ts';
import { johnsCredentials } from '../../support/app/people.ts';

type Clock = ReturnType<typeof createClock>;
type Test = { app: TestApp; clock: Clock; browser: Browser };
type Case = {
  when: string;
  code: string;
  reason: Reason;
  status: number;
  /** The signed-in caller. Default: a technician. */
  as?: Subject | null;
  /** A case with it has an app of its own. */
  arrange?: (test: Test) => unknown;
  /** Default: a lookup of one user. */
  call?: (test: Test) => Promise<Response>;
  /** Whether the response has a Retry-After. */
  waits?: true;
  /** Whether the response clears the cookies. */
  clears?: true;
};

const technician: Subject = { type: 'staff', id: 123 };
const person = (id: string) => {
  const found = signInPeople.find(({ shows }) => shows.startsWith(id));
  if (found === undefined) throw new Error(`No seeded person matches: ${id}`);
  return { email: found.email, password: found.password };
};
const alice = { email: 'alice.navarro@partners.example.com', password: 'employee-pass-1', as: 'employee' };

const query =
  (path: string, input?: unknown) =>
  ({ app, browser }: Test) =>
    browser.fetch(`${app.url}${queryTarget(path, input === undefined ? undefined : { json: input })}`);
const mutation =
  (path: string, input?: unknown, headers: Record<string, string> = {}) =>
  ({ app, browser }: Test) =>
    browser.fetch(`${app.url}/trpc/${path}`, {
      method: 'POST',
      headers: { ...postHeaders, ...headers },
      ...(input === undefined ? {} : { body: written(input) }),
    });
/** A sign-in that sends wrong codes for the second factor, and returns the last response. */
const wrongCodes = (tries: number) => async (test: Test) => {
  const rafael = person('Second factor');
  const answer = await test.browser.trpc.session.login.mutate(rafael);
  if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
  const code = test.app.authService.lastCode(rafael.email) === '000000' ? '111111' : '000000';
  const attempt = () => mutation('session.verifyOtp', { challenge: answer.challenge, code })(test);
  for (let tried = 1; tried < tries; tried += 1) await attempt();
  return attempt();
};
const byId = query('users.byId', { id: 5 });
const refresh = mutation('session.refresh');

const broken =
  (...faults: Array<[Parameters<TestApp['authService']['fault']>[0], Fault]>) =>
  ({ app }: Test) => {
    for (const [endpoint, fault] of faults) app.authService.fault(endpoint, fault);
  };
const answers = (status: number, body = '{"detail":"no"}', headers: Record<string, string> = {}): Fault => ({
  kind: 'status',
  status,
  body,
  headers,
});

/** For calls that count against the limits of a person. */
const alone = () => {};

const unauthorized = { code: 'UNAUTHORIZED', status: 401 } as const;
const forbidden = { code: 'FORBIDDEN', status: 403 } as const;
const notFound = { code: 'NOT_FOUND', status: 404 } as const;
const unavailable = {
  code: 'SERVICE_UNAVAILABLE',
  reason: 'auth_service_unavailable',
  status: 503,
  waits: true,
} as const;
const contract = { code: 'BAD_GATEWAY', reason: 'auth_service_contract', status: 502 } as const;
const invalid = { code: 'BAD_REQUEST', reason: 'invalid_input', status: 400 } as const;

const cases: Case[] = [
  { when: 'exp has passed', ...unauthorized, reason: 'token_expired', arrange: ({ clock }) => clock.advance(900_000) },
  {
    when: 'the request carries only a refresh token',
    ...unauthorized,
    reason: 'token_expired',
    arrange: ({ browser }) => browser.cookies.delete('access_token'),
  },
  { when: 'the request carries no token', ...unauthorized, reason: 'no_token', as: null },
  { when: 'there is no session to refresh', ...unauthorized, reason: 'no_token', as: null, call: refresh },
  {
    when: 'the token is malformed',
    ...unauthorized,
    reason: 'token_invalid',
    arrange: ({ browser }) => browser.holdTokens({ access: 'not-a-token' }),
  },
  {
    when: 'the refresh token is malformed',
    ...unauthorized,
    reason: 'token_invalid',
    clears: true,
    arrange: ({ browser }) => browser.holdTokens({ refresh: 'not-a-token' }),
    call: refresh,
  },
  {
    when: 'the Auth Service rejects the token with 401',
    ...unauthorized,
    reason: 'session_ended',
    arrange: broken(['user', answers(401)]),
  },
  {
    when: 'the Auth Service redirects to its login page',
    ...unauthorized,
    reason: 'session_ended',
    arrange: broken(['user', answers(302, '', { location: '/staff/login/' })]),
  },
  {
    when: 'the session was signed out',
    ...unauthorized,
    reason: 'session_ended',
    arrange: async ({ browser }) => {
      const held = Object.fromEntries(browser.cookies);
      await browser.trpc.session.logout.mutate();
      browser.setCookies.length = 0;
      browser.holdTokens({ access: held.access_token, refresh: held.refresh_token });
    },
  },
  {
    when: 'the Auth Service rejects the refresh',
    ...unauthorized,
    reason: 'session_ended',
    clears: true,
    arrange: broken(['refresh', answers(401)]),
    call: refresh,
  },
  {
    when: 'the refresh token was exchanged long ago',
    ...unauthorized,
    reason: 'refresh_superseded',
    arrange: async ({ app, browser, clock }) => {
      const { access } = await app.authService.issue(technician);
      const next = await app.authService.issue(technician);
      const cookies = [`access_token=${access}; Path=/`, `refresh_token=${next.refresh}; Path=/`];
      app.authService.fault('refresh', {
        kind: 'transform',
        answer: (answer) => ({ ...answer, headers: { ...answer.headers, 'set-cookie': cookies } }),
      });
      const held = Object.fromEntries(browser.cookies);
      await browser.trpc.session.refresh.mutate();
      clock.advance(60_000);
      browser.setCookies.length = 0;
      browser.holdTokens({ access: held.access_token, refresh: held.refresh_token });
    },
    call: refresh,
  },
  {
    when: 'the password is wrong',
    ...unauthorized,
    reason: 'bad_credentials',
    call: mutation('session.login', { ...johnsCredentials, password: 'wrong' }),
  },
  {
    when: 'the account is locked',
    ...unauthorized,
    reason: 'account_locked',
    call: mutation('session.login', person('Locked')),
  },
  {
    when: 'the account is inactive',
    ...unauthorized,
    reason: 'account_inactive',
    arrange: broken(['staff-login', answers(403, '{"detail":"Account inactive"}')]),
    call: mutation('session.login', johnsCredentials),
  },
  {
    when: 'an employee is rejected but the Auth Service signs them in',
    ...unauthorized,
    reason: 'account_inactive',
    arrange: ({ app }) => app.authService.changePerson({ type: 'employee', id: 1 }, { status: 'Rejected' }),
    call: mutation('session.login', alice),
  },
  {
    when: 'a captcha is required',
    ...unauthorized,
    reason: 'captcha_required',
    call: mutation('session.login', person('Captcha')),
  },
  {
    when: 'the challenge is none',
    ...unauthorized,
    reason: 'otp_expired',
    call: mutation('session.verifyOtp', { challenge: 'none', code: '123456' }),
  },
  {
    when: 'the code is wrong, and may be typed again',
    ...unauthorized,
    reason: 'otp_invalid',
    arrange: alone,
    call: wrongCodes(1),
  },
  { when: 'that was the last try', ...unauthorized, reason: 'otp_expired', arrange: alone, call: wrongCodes(5) },
  {
    when: 'an employee calls a staff procedure',
    ...forbidden,
    reason: 'insufficient_permissions',
    as: { type: 'employee', id: 1 },
  },
  {
    when: 'a staff member calls a procedure of another system',
    ...forbidden,
    reason: 'insufficient_permissions',
    call: query('users.byRole', { system: 'BMS', role: 'User' }),
  },
  {
    when: 'the Auth Service answers 403',
    ...forbidden,
    reason: 'insufficient_permissions',
    arrange: broken(['user', answers(403)]),
  },
  {
    when: 'a POST lacks the x-csrf header',
    ...forbidden,
    reason: 'csrf',
    call: mutation('session.logout', undefined, { 'x-csrf': '' }),
  },
  {
    when: 'the request comes from another site',
    ...forbidden,
    reason: 'csrf',
    call: mutation('session.logout', undefined, { 'sec-fetch-site': 'cross-site' }),
  },
  { when: 'the user id is unknown', ...notFound, reason: 'user_not_found', call: query('users.byId', { id: 99_999 }) },
  {
    when: 'the company id is unknown',
    ...notFound,
    reason: 'user_not_found',
    call: query('users.byCompanyId', { companyId: 'MA9999' }),
  },
  {
    when: 'the employee id is unknown',
    ...notFound,
    reason: 'employee_not_found',
    call: query('employees.byId', { id: 99_999 }),
  },
  {
    when: 'the assignment key is unknown',
    ...notFound,
    reason: 'assignment_not_found',
    call: mutation('assignments.reassign', { system: 'TTS', role: 'Technician', key: 'unknown' }),
  },
  { when: 'there is no such procedure', ...notFound, reason: 'no_such_procedure', call: query('users.byName', {}) },
  {
    when: 'the path does not exist',
    ...notFound,
    reason: 'no_such_procedure',
    call: ({ app, browser }) => browser.fetch(`${app.url}/nothing/here`),
  },
  { when: 'the Auth Service answers 500', ...unavailable, arrange: broken(['user', answers(500)]) },
  { when: 'the Auth Service answers 429', ...unavailable, arrange: broken(['user', answers(429)]) },
  { when: 'the Auth Service closes the connection', ...unavailable, arrange: broken(['user', { kind: 'reset' }]) },
  { when: 'the Auth Service is unreachable', ...unavailable, arrange: ({ app }) => app.authService.close() },
  {
    when: 'a sign-in fails during an outage',
    ...unavailable,
    arrange: broken(['staff-login', answers(503)]),
    call: mutation('session.login', johnsCredentials),
  },
  {
    when: 'a refresh fails during an outage',
    ...unavailable,
    arrange: broken(['refresh', answers(503)]),
    call: refresh,
  },
  { when: 'the Auth Service answers HTML', ...contract, arrange: broken(['user', { kind: 'body', body: '<html>' }]) },
  {
    when: 'the Auth Service returns another person',
    ...contract,
    arrange: broken(['user', { kind: 'body', body: '{"id":6,"email":"e","first_name":"F","last_name":"L"}' }]),
  },
  { when: 'the Auth Service answers 400', ...contract, arrange: broken(['user', answers(400)]) },
  {
    when: 'the Auth Service rejects the API key',
    ...contract,
    arrange: broken(['employee', answers(403)]),
    call: query('employees.byId', { id: 1 }),
  },
  { when: 'a field of the input is invalid', ...invalid, call: query('users.byId', { id: 'five' }) },
  {
    when: 'the token of a reset link is none',
    code: 'BAD_REQUEST',
    reason: 'reset_link_invalid',
    status: 400,
    call: mutation('account.resetPassword', { token: 'not-a-token', newPassword: 'a new pass-word 1' }),
  },
  {
    when: 'the Auth Service lacks an endpoint for accounts',
    code: 'NOT_IMPLEMENTED',
    reason: 'not_supported',
    status: 501,
    arrange: broken(['staff-profile', answers(404, '<h1>Not Found</h1>', { 'content-type': 'text/html' })]),
    call: query('account.profile'),
  },
  { when: 'the input is missing', ...invalid, call: query('users.byId') },
  {
    when: 'the input is not JSON',
    ...invalid,
    call: ({ app, browser }) => browser.fetch(`${app.url}/trpc/users.byId?input=%7B`),
  },
  {
    when: 'a query is posted',
    code: 'METHOD_NOT_SUPPORTED',
    reason: 'method_not_allowed',
    status: 405,
    call: mutation('users.byId', { id: 5 }),
  },
  {
    when: 'a mutation is sent by GET',
    code: 'METHOD_NOT_SUPPORTED',
    reason: 'method_not_allowed',
    status: 405,
    call: query('session.logout'),
  },
  {
    when: 'the body is over 100 kB',
    code: 'PAYLOAD_TOO_LARGE',
    reason: 'payload_too_large',
    status: 413,
    call: mutation('session.login', { ...johnsCredentials, padding: 'x'.repeat(100_000) }),
  },
  {
    when: 'the URL is over 12 kB',
    code: 'PAYLOAD_TOO_LARGE',
    reason: 'payload_too_large',
    status: 413,
    call: query('users.byCompanyId', { companyId: 'x'.repeat(12_000) }),
  },
  {
    when: 'a POST is not JSON',
    code: 'UNSUPPORTED_MEDIA_TYPE',
    reason: 'unsupported_media_type',
    status: 415,
    call: mutation('session.logout', undefined, { 'content-type': 'text/plain' }),
  },
];

/** Reasons that no caller can cause, or not yet, each with its cause. */
const unreachable: Reason[] = ['store_unavailable', 'overloaded', 'rate_limited', 'internal'];

it('has a case for every reason that a caller can receive', () => {
  const met = new Set([...cases.map(({ reason }) => reason), ...unreachable]);
  expect([...met].toSorted()).toEqual(Object.keys(codeOfReason).toSorted());
  expect(cases.filter(({ reason }) => unreachable.includes(reason))).toEqual([]);
});

describe.each(dialects)('errors in the %s dialect', (dialect) => {
  const start = async () => {
    const clock = createClock();
    return { clock, app: await startApp({ dialect, now: clock.now }) };
  };
  /** For the cases that change nothing in it. */
  let shared: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    shared = await start();
  });
  afterAll(() => shared.app[Symbol.asyncDispose]());

  it.each(cases)('$status $code $reason where $when', async (row) => {
    const { as = technician, arrange, call = byId, code, reason, status, waits = false, clears = false } = row;
    const { app, clock } = arrange === undefined ? shared : await start();
    await using _own = arrange === undefined ? null : app;
    const test: Test = { app, clock, browser: app.browser() };
    if (as !== null) test.browser.holdTokens(await app.authService.issue(as));
    await arrange?.(test);
    const answer = await call(test);
    const body = await answer.text();

    const headers = { 'content-type': answer.headers.get('content-type') ?? '' };
    const error = errorOf({ status: answer.status, headers, setCookies: [], body });
    expect(error).toMatchObject({ code, reason, httpStatus: status });
    expect(answer.status).toBe(status);
    expect(error.message.length).toBeGreaterThan(10);
    expect(error).not.toHaveProperty('stack');
    expect(error.issues === undefined).toBe(reason !== 'invalid_input');
    expect(Number.isSafeInteger(error.retryAfterSeconds)).toBe(waits);
    expect(answer.headers.get('retry-after')).toBe(waits ? String(error.retryAfterSeconds) : null);
    expect(answer.headers.get('x-request-id')).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(test.browser.setCookies.map((line) => line.split(';')[0])).toEqual(
      clears ? ['access_token=', 'refresh_token='] : [],
    );
  });
});

it('the status of each case matches its code, and the code matches its reason', () => {
  for (const { code, reason, status } of cases) {
    expect(codeOfReason[reason]).toBe(code);
    expect(httpStatusOfCode[codeOfReason[reason]]).toBe(status);
  }
});
