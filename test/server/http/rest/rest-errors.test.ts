import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../../../server/dev/auth-service/auth-service.ts';
import { codeOfReason, httpStatusOfCode, type Reason } from '../../../../shared/src/index.ts';
import { askRest, type RestAnswer, type RestRequest } from '../../../support/app/ask-rest.ts';
import { askRaw } from '../../../support/app/raw-request.ts';
import { createClock, dialects, startApp, type TestApp } from '../../../support/app/start-app.ts';

type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  reason: Reason;
  issues?: Array<{ path: string; message: string }>;
  retryAfterSeconds?: number;
  requestId: string;
};

/** The problem of an answer. Throws if it is none, or if its members contradict the answer. */
const problemOf = (answer: RestAnswer): Problem => {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const problem = answer.json as Problem;
  expect(problem).toMatchObject({ type: 'about:blank', status: answer.status });
  expect(httpStatusOfCode[codeOfReason[problem.reason]]).toBe(answer.status);
  expect(problem.title.length).toBeGreaterThan(5);
  expect(problem.detail.length).toBeGreaterThan(10);
  expect(problem.requestId).toBe(answer.headers['x-request-id']);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers['retry-after']).toBe(problem.retryAfterSeconds?.toString());
  expect(problem.issues === undefined).toBe(problem.reason !== 'invalid_input');
  return problem;
};

const next = '/assignments/TTS/Technician/next';
const fault = (status: number): Fault => ({ kind: 'status', status, body: '' });

type Case = RestRequest & {
  when: string;
  reason: Reason;
  as?: { type: 'staff' | 'employee'; id: number } | null;
  /** Parts of the detail. */
  says?: string;
  arrange?: (app: TestApp) => void;
  allow?: string;
};

const cases: Case[] = [
  { when: 'there is no token', path: '/users/5', as: null, reason: 'no_token' },
  { when: 'there is no token, before the id is looked at', path: '/users/abc', as: null, reason: 'no_token' },
  {
    when: 'the token is malformed',
    path: '/users/5',
    as: null,
    headers: { authorization: 'Bearer x' },
    reason: 'token_invalid',
  },
  {
    when: 'an employee asks for staff',
    path: '/users/5',
    as: { type: 'employee', id: 1 },
    reason: 'insufficient_permissions',
  },
  { when: 'the system is another one', path: '/systems/BMS/roles/User/users', reason: 'insufficient_permissions' },
  { when: 'the user is unknown', path: '/users/99999', reason: 'user_not_found' },
  { when: 'the company id is unknown', path: '/users/by-company/MA9999', reason: 'user_not_found' },
  { when: 'the employee is unknown', path: '/employees/99999', reason: 'employee_not_found' },
  { when: 'the path is unknown', path: '/tickets', reason: 'no_such_procedure', says: '/bff/openapi.json' },
  { when: 'the path is that of tRPC', path: '/users.byId', reason: 'no_such_procedure' },
  { when: 'the path is the base', path: '', reason: 'no_such_procedure' },
  { when: 'a path ends in a slash', path: '/users/5/', reason: 'no_such_procedure' },
  { when: 'the id is a word', path: '/users/abc', reason: 'invalid_input', says: 'id: Expected a whole number' },
  { when: 'the id is empty', path: '/users/', reason: 'invalid_input', says: 'id: Expected a whole number' },
  { when: 'the id has a fraction', path: '/users/5.0', reason: 'invalid_input', says: 'id: Expected a whole number' },
  {
    when: 'the id has leading zeros',
    path: '/users/005',
    reason: 'invalid_input',
    says: 'id: Expected a whole number',
  },
  { when: 'the id is 0', path: '/users/0', reason: 'invalid_input', says: 'id: Expected a number of 1 or more' },
  { when: 'the id is too large to be exact', path: '/users/9007199254740993', reason: 'invalid_input', says: 'id' },
  {
    when: 'a query parameter is unknown, and there are none',
    path: '/users/5?Zq8-kept-secret=1',
    reason: 'invalid_input',
    says: 'The input is not valid: Expected no query parameter',
  },
  {
    when: 'a query parameter is unknown',
    path: `${next}?exclud=1`,
    reason: 'invalid_input',
    says: 'The input is not valid: Unknown query parameter. Known: exclude',
  },
  {
    when: 'a member of a list is a word',
    path: `${next}?exclude=1,x`,
    reason: 'invalid_input',
    says: 'exclude.1: Expected a whole number',
  },
  { when: 'a query parameter comes with a public procedure', path: '/status?x=1', as: null, reason: 'invalid_input' },
  { when: 'the path is not UTF-8', path: '/users/%zz', reason: 'invalid_input', says: 'percent-encoded' },
  { when: 'the path has a NUL', path: '/users/by-company/A%00', reason: 'invalid_input', says: 'NUL' },
  {
    when: 'the body is not JSON',
    method: 'POST',
    path: '/users/query',
    body: '{"ids":[1',
    reason: 'invalid_input',
    says: 'The body is not valid JSON',
  },
  {
    when: 'the body is a list',
    method: 'POST',
    path: '/users/query',
    json: [1],
    reason: 'invalid_input',
    says: 'Expected a JSON object',
  },
  { when: 'the body is missing', method: 'POST', path: '/users/query', reason: 'invalid_input', says: 'ids' },
  {
    when: 'the body has ids as text',
    method: 'POST',
    path: '/users/query',
    json: { ids: ['5'] },
    reason: 'invalid_input',
    says: 'ids.0: Expected a whole number',
  },
  {
    when: 'the body has a member that nobody reads',
    method: 'POST',
    path: next,
    json: { excluded: [1] },
    reason: 'invalid_input',
    says: 'The input is not valid: Unknown member of the body. Known: exclude, key',
  },
  {
    when: 'a member of the body has a secret as its name',
    method: 'POST',
    path: next,
    json: { 'Zq8-kept-secret': 1 },
    reason: 'invalid_input',
    says: 'The input is not valid: Unknown member of the body. Known: exclude, key',
  },
  {
    when: 'the body repeats a part of the path',
    method: 'POST',
    path: next,
    json: { system: 'BMS' },
    reason: 'invalid_input',
    says: 'system: Unknown member',
  },
  {
    when: 'the body has a NUL',
    method: 'POST',
    path: next,
    body: '{"key":"\\u0000"}',
    reason: 'invalid_input',
    says: 'key: Expected text without NUL',
  },
  {
    when: 'the body has half a surrogate',
    method: 'POST',
    path: next,
    body: '{"key":"\\ud800"}',
    reason: 'invalid_input',
    says: 'surrogates',
  },
  { when: 'a GET is posted', method: 'POST', path: '/users/5', reason: 'method_not_allowed', allow: 'GET, HEAD' },
  {
    when: 'a path with an encoded word is deleted',
    method: 'DELETE',
    path: '/users/%71uery',
    reason: 'method_not_allowed',
    allow: 'POST',
  },
  {
    when: 'a path with an encoded slash is deleted',
    method: 'DELETE',
    path: '/systems/TTS/roles/a%2Fb/users?x=1',
    reason: 'method_not_allowed',
    allow: 'GET, HEAD',
  },
  {
    when: 'a path with an empty id is deleted',
    method: 'DELETE',
    path: '/users/',
    reason: 'method_not_allowed',
    allow: 'GET, HEAD',
  },
  { when: 'a POST is got', path: '/users/query', reason: 'method_not_allowed', allow: 'POST' },
  {
    when: 'a path with both is deleted',
    method: 'DELETE',
    path: next,
    reason: 'method_not_allowed',
    allow: 'GET, HEAD, POST',
  },
  {
    when: 'a method is one that no path has',
    method: 'PATCH',
    path: '/tickets',
    json: {},
    reason: 'no_such_procedure',
  },
  {
    when: 'a method is one that the server does not route',
    method: 'PROPFIND',
    path: '/users/5',
    reason: 'no_such_procedure',
  },
  {
    when: 'the body is over 100 kB',
    method: 'POST',
    path: '/users/query',
    json: { ids: [], padding: 'x'.repeat(100_000) },
    reason: 'payload_too_large',
  },
  { when: 'the URL is over 12 kB', path: `/users/by-company/${'x'.repeat(12_000)}`, reason: 'payload_too_large' },
  {
    when: 'the body is a form',
    method: 'POST',
    path: '/users/query',
    body: 'ids=1',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    reason: 'unsupported_media_type',
  },
  {
    when: 'the body is text',
    method: 'POST',
    path: '/users/query',
    body: '{"ids":[1]}',
    headers: { 'content-type': 'text/plain' },
    reason: 'unsupported_media_type',
  },
  {
    when: 'the body has no type',
    method: 'POST',
    path: '/users/query',
    body: '{"ids":[1]}',
    headers: { 'content-type': [] },
    reason: 'unsupported_media_type',
  },
  {
    when: 'the Auth Service fails',
    path: '/users/7',
    arrange: ({ authService }) => authService.fault('user', fault(500)),
    reason: 'auth_service_unavailable',
  },
  {
    when: 'the Auth Service answers nonsense',
    path: '/users/8',
    arrange: ({ authService }) => authService.fault('user', { kind: 'body', body: '<html>' }),
    reason: 'auth_service_contract',
  },
  {
    when: 'the Auth Service signed the person out',
    path: '/users/9',
    arrange: ({ authService }) => authService.fault('user', fault(401)),
    reason: 'session_ended',
  },
];

describe.each(dialects)('REST errors in the %s dialect', (dialect) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ dialect, env: { RATE_LIMIT_PER_MINUTE: '0' } });
  });
  afterAll(() => app[Symbol.asyncDispose]());

  it.each(cases)('are $reason as problem+json where $when', async (row) => {
    const {
      when: _,
      reason,
      says = '',
      as = { type: 'staff', id: 123 },
      arrange,
      allow,
      headers = {},
      ...request
    } = row;
    const token = as === null ? null : await app.authService.issue(as);
    const bearer: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token.access}` };
    arrange?.(app);
    const answer = await askRest(app.url, { ...request, headers: { ...bearer, ...headers } });
    const problem = problemOf(answer);
    expect(problem.reason).toBe(reason);
    expect(problem.detail).toContain(says);
    expect(answer.headers.allow).toBe(allow);
    expect(problem.retryAfterSeconds !== undefined).toBe(reason === 'auth_service_unavailable');
    // A path that cannot be decoded has no route, so no hook runs for it.
    const isRouted = !request.path.includes('%zz') && request.path !== '' && request.method !== 'PROPFIND';
    const shown = as === null || !isRouted ? undefined : `${as.type}:${as.id}`;
    expect(answer.headers['x-session-user']).toBe(shown);
  });
});

it('a token that expired is token_expired, and the answer says so to the caller', async () => {
  const clock = createClock();
  await using app = await startApp({ now: clock.now });
  const { access } = await app.authService.issue({ type: 'staff', id: 123 });
  clock.advance(900_000);
  const answer = await askRest(app.url, { path: '/session', headers: { authorization: `Bearer ${access}` } });
  expect(problemOf(answer)).toMatchObject({ status: 401, reason: 'token_expired' });
});

it('a session that was signed out over tRPC is session_ended over REST', async () => {
  await using app = await startApp();
  const browser = app.browser();
  const { access, refresh } = await app.authService.issue({ type: 'staff', id: 123 });
  browser.holdTokens({ access, refresh });
  await browser.trpc.session.logout.mutate();
  const answer = await askRest(app.url, { path: '/users/5', headers: { authorization: `Bearer ${access}` } });
  expect(problemOf(answer).reason).toBe('session_ended');
});

it('an overloaded service refuses with 503 and Retry-After', async () => {
  await using app = await startApp({ isOverloaded: () => true });
  const problem = problemOf(await askRest(app.url, { path: '/status' }));
  expect(problem).toMatchObject({ status: 503, reason: 'overloaded', retryAfterSeconds: 2 });
});

it('an unreadable path in any spelling of the base is still JSON', async () => {
  await using app = await startApp();
  const answer = await askRaw(app.url, { target: '/%62ff/api/%zz' });
  expect(answer.status).toBe(400);
  expect(answer.headers['content-type']).toMatch(/^application\/(problem\+)?json/);
});
