import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EndpointName, Fault } from '../../../server/dev/auth-service/auth-service.ts';
import type { Subject } from '../../../server/dev/auth-service/people/people.ts';
import { type Browser, errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { crowd } from '../../support/app/crowd.ts';
import { pastDeadline, pastDeadlineAt } from '../../support/time/past-deadline.ts';
import { serve } from '../../support/app/serve.ts';
import {
  apiKey,
  createClock,
  forgetful,
  signingKey,
  startApp,
  type StartAppOptions,
} from '../../support/app/start-app.ts';
import { startSignedIn as startAs } from '../../support/app/start-signed-in.ts';
import { johnsCredentials } from '../../support/app/people.ts';

const technician: Subject = { type: 'staff', id: 123 };
const marker = 'must-never-be-exposed';
const detail = JSON.stringify({ detail: marker });
const page = `<!doctype html><html><body>${marker}</body></html>`;
const date = (ms: number) => new Date(ms).toUTCString();

const clockStart = Date.UTC(2030, 0, 1);

const startSignedIn = (options: StartAppOptions = {}) =>
  startAs({ subject: technician, clock: createClock(clockStart), env: forgetful, ...options });
type Test = Awaited<ReturnType<typeof startSignedIn>>;

/** No failure of the Auth Service signs a person out or exposes its response. */
const toldBy = async ({ browser, logLines }: Pick<Test, 'browser' | 'logLines'>) => {
  const told = JSON.stringify([await browser.lastAnswer().text(), logLines]);
  const secrets = [/eyJ[\w-]+\.[\w-]+/, ...[marker, apiKey, signingKey].map((secret) => new RegExp(secret))];
  return {
    setCookies: browser.setCookies.length,
    cookies: browser.cookies.size,
    secrets: secrets.filter((secret) => secret.test(told)),
  };
};
const nothing = { setCookies: 0, cookies: 2, secrets: [] };

type Case = [name: string, fault: Fault, reason: string, retryAfterSeconds?: number];

const unavailable = 'auth_service_unavailable';
const contract = 'auth_service_contract';

const status = (code: number, headers: Record<string, string> = {}, body = detail): Fault => ({
  kind: 'status',
  status: code,
  body,
  headers,
});
const retryAfter = (text: string) => status(503, { 'retry-after': text });

/** Failures with the same outcome for every lookup. */
const failures: Case[] = [
  ['a hang', { kind: 'hang' }, unavailable, 5],
  ['a drip of one byte a second', { kind: 'drip' }, unavailable, 5],
  ['a reset', { kind: 'reset' }, unavailable, 5],
  ['a cut in mid-body', { kind: 'cut' }, unavailable, 5],
  ['a cut before the body', { kind: 'cut', afterBytes: 0 }, unavailable, 5],
  ['bytes that are not HTTP', { kind: 'garbage' }, contract],
  ['more than 5 MB', { kind: 'huge', bytes: 50_000_000 }, contract],
  ['a little more than 5 MB', { kind: 'huge', bytes: 5_000_001 }, contract],
  ['5 MB of JSON of another shape', { kind: 'huge', bytes: 5_000_000 }, contract],
  ['an empty body', { kind: 'body', body: '' }, contract],
  ['white space', { kind: 'body', body: ' \r\n\t' }, contract],
  ['HTML with 200', { kind: 'body', body: page, contentType: 'text/html; charset=utf-8' }, contract],
  ['HTML that says it is JSON', { kind: 'body', body: page, contentType: 'application/json' }, contract],
  ['half of a JSON text', { kind: 'body', body: `{"id": 5, "email": "${marker}` }, contract],
  ['two JSON texts', { kind: 'body', body: '{"id":5}{"id":5}' }, contract],
  ['a JSON string', { kind: 'body', body: JSON.stringify(marker) }, contract],
  ['null', { kind: 'body', body: 'null' }, contract],
  ['an array of unknown objects', { kind: 'body', body: JSON.stringify([{ [marker]: marker }]) }, contract],
  ['201 without the requested record', status(201), contract],
  ['202', status(202), contract],
  ['204', status(204), contract],
  ['206', status(206), contract],
  ['400', status(400), contract],
  ['400 in HTML', status(400, {}, page), contract],
  ['401', status(401), 'session_ended'],
  ['401 in HTML', status(401, {}, page), 'session_ended'],
  ['401 with an empty body', status(401, {}, ''), 'session_ended'],
  ['403', status(403), 'insufficient_permissions'],
  ['405', status(405), contract],
  ['408', status(408), unavailable, 5],
  ['409', status(409), contract],
  ['418', status(418), contract],
  ['302 to the login page', status(302, { location: '/login/' }), 'session_ended'],
  [
    '302 to a login page with the path in its query',
    status(302, { location: '/login/?next=/api/v1/tts/user-info/5/' }),
    'session_ended',
  ],
  ['302 to another host', status(302, { location: 'https://sso.example.com/login' }), 'session_ended'],
  ['302 without a location', status(302), 'session_ended'],
  ['303', status(303, { location: '/login/' }), 'session_ended'],
  ['307', status(307, { location: '/login/' }), 'session_ended'],
  ['429', status(429), unavailable, 5],
  ['429 with Retry-After', status(429, { 'retry-after': '17' }), unavailable, 17],
  ['500', status(500), unavailable, 5],
  ['500 in HTML', status(500, {}, page), unavailable, 5],
  ['501', status(501), unavailable, 5],
  ['502', status(502, {}, page), unavailable, 5],
  ['503', status(503), unavailable, 5],
  ['504', status(504, {}, ''), unavailable, 5],
  ['503 with Retry-After in seconds', retryAfter('30'), unavailable, 30],
  ['503 with Retry-After in seconds, and white space', retryAfter('  30 '), unavailable, 30],
  ['503 with Retry-After 0', retryAfter('0'), unavailable, 1],
  ['503 with Retry-After of a day', retryAfter('86400'), unavailable, 300],
  ['503 with a Retry-After that exceeds all numbers', retryAfter('9'.repeat(400)), unavailable, 5],
  ['503 with Retry-After as a date', retryAfter(date(clockStart + 42_000)), unavailable, 42],
  ['503 with Retry-After as a date of RFC 850', retryAfter('Tuesday, 01-Jan-30 00:00:42 GMT'), unavailable, 42],
  ['503 with Retry-After as a date of asctime', retryAfter('Tue Jan  1 00:00:42 2030'), unavailable, 42],
  ['503 with Retry-After as a date that has passed', retryAfter(date(clockStart - 1)), unavailable, 1],
  ['503 with Retry-After as a date of next year', retryAfter(date(clockStart + 31_536_000_000)), unavailable, 300],
  ['503 with an empty Retry-After', retryAfter(''), unavailable, 5],
  ['503 with Retry-After of nonsense', retryAfter('soon'), unavailable, 5],
  ['503 with Retry-After of nonsense with a number in it', retryAfter('soon 5'), unavailable, 5],
  ['503 with Retry-After below 0', retryAfter('-3'), unavailable, 5],
  ['503 with Retry-After as a fraction', retryAfter('12.5'), unavailable, 5],
];

const codes: Record<string, string> = {
  [unavailable]: 'SERVICE_UNAVAILABLE',
  [contract]: 'BAD_GATEWAY',
  session_ended: 'UNAUTHORIZED',
  insufficient_permissions: 'FORBIDDEN',
  user_not_found: 'NOT_FOUND',
  employee_not_found: 'NOT_FOUND',
};

/** The error of a failing call, and the secrets that leaked into the response or the log. */
const endOf = async (test: Test, call: Promise<unknown>) => {
  const { code, reason, retryAfterSeconds = null } = await errorDataOf(call);
  const retryAfterHeader = test.browser.lastAnswer().headers.get('retry-after');
  return { code, reason, retryAfterSeconds, retryAfterHeader, ...(await toldBy(test)) };
};
const failure = (reason: string, seconds?: number) => ({
  code: codes[reason],
  reason,
  retryAfterSeconds: seconds ?? null,
  retryAfterHeader: seconds === undefined ? null : String(seconds),
  ...nothing,
});

let shared: Test;
beforeAll(async () => {
  shared = await startSignedIn();
});
afterEach(() => {
  shared.authService.clearFaults();
  shared.authService.resetCalls();
  // Each test looks for secrets in its own lines.
  shared.logLines.length = 0;
});
afterAll(() => shared[Symbol.asyncDispose]());

/** Sets a fault, and makes a call that hits it. The deadline ends calls that hang. */
const meet = <Result>(
  test: Test,
  endpoint: EndpointName,
  fault: Fault,
  call: () => Promise<Result>,
): Promise<Result> => {
  test.authService.fault(endpoint, fault);
  return fault.kind === 'hang' || fault.kind === 'drip' ? pastDeadlineAt(test, endpoint, call) : call();
};

describe('a GET lookup', () => {
  it.each(failures)(
    'fails with the right reason after %s, and works again afterwards',
    async (_name, fault, reason, seconds) => {
      const byId = () => shared.browser.trpc.users.byId.query({ id: 5 });
      expect(await meet(shared, 'user', fault, () => endOf(shared, byId()))).toEqual(failure(reason, seconds));
      // Connection failures, 502, 503 and 504 are retried within the retry budget.
      expect([1, 2, 3]).toContain(shared.authService.count('user'));

      shared.authService.clearFaults();
      expect((await byId()).id).toBe(5);
    },
  );

  it('answers user_not_found to a 404 with any body', async () => {
    const test = shared;
    for (const body of [detail, page, '']) {
      test.authService.fault('user', status(404, {}, body));
      expect(await endOf(test, test.browser.trpc.users.byId.query({ id: 5 }))).toEqual(failure('user_not_found'));
    }
  });

  it.each([
    ['500', status(500)],
    ['429', status(429)],
    ['a hang', { kind: 'hang' }],
    ['a reset', { kind: 'reset' }],
    ['garbage', { kind: 'garbage' }],
    ['HTML', { kind: 'body', body: page, contentType: 'text/html' }],
    ['400', status(400)],
    ['404', status(404)],
  ] satisfies Array<[string, Fault]>)('never signs the person out after %s, at any endpoint', async (_name, fault) => {
    await using test = await startSignedIn();
    test.authService.fault('*', fault);
    for (const [endpoint, call] of everyLookup(test.browser)) {
      const end = () => errorDataOf(call());
      const { code } = await (fault.kind === 'hang' ? pastDeadlineAt(test, endpoint, end) : end());
      expect(['SERVICE_UNAVAILABLE', 'BAD_GATEWAY', 'NOT_FOUND']).toContain(code);
    }
    expect(await toldBy(test)).toEqual(nothing);
  });
});

type Lookup = [endpoint: EndpointName, call: () => Promise<unknown>];
const everyLookup = ({ trpc }: Browser): Lookup[] => [
  ['staff-profile', () => trpc.users.me.query()],
  ['user', () => trpc.users.byId.query({ id: 5 })],
  ['users', () => trpc.users.byIds.query({ ids: [5] })],
  ['by-company', () => trpc.users.byCompanyId.query({ companyId: 'MA0001' })],
  ['round-robin', () => trpc.users.byRole.query({ system: 'TTS', role: 'Technician' })],
  ['employee', () => trpc.employees.byId.query({ id: 1 })],
  ['validate', () => trpc.session.validate.query()],
];

describe('the Content-Type of a response', () => {
  const body = '{"id":5,"email":"e@example.com","first_name":"F","last_name":"L"}';
  it.each(['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.api+json'])(
    'is accepted: %s',
    async (contentType) => {
      shared.authService.fault('user', { kind: 'body', body, contentType });
      expect(await shared.browser.trpc.users.byId.query({ id: 5 })).toMatchObject({ id: 5, firstName: 'F' });
    },
  );
  it.each(['text/html', 'text/plain', 'application/jsonp', 'text/json', 'application/json-seq'])(
    'is refused: %s',
    async (contentType) => {
      shared.authService.fault('user', { kind: 'body', body, contentType });
      expect(await endOf(shared, shared.browser.trpc.users.byId.query({ id: 5 }))).toEqual(failure(contract));
    },
  );
});

describe('a POST lookup', () => {
  const cases = failures.filter(([name]) => !name.includes('Retry-After'));
  let askedSoFar = 0;
  it.each([...cases, ['404', status(404), contract] satisfies Case])(
    'fails with the right reason after %s, and works again afterwards',
    async (_name, fault, reason, seconds) => {
      // No earlier call: the second of two parts may still be in flight when the first has failed the call.
      const ids = crowd(2, (askedSoFar += 2));
      const byIds = () => endOf(shared, shared.browser.trpc.users.byIds.query({ ids }));
      expect(await meet(shared, 'users', fault, byIds)).toEqual(failure(reason, seconds));
    },
  );

  it('leaves no unhandled rejection if all of its parts fail', async () => {
    await using test = await startSignedIn();
    const faults: Array<[fault: Fault, attempts: number]> = [
      // Five parts, and ten retries from the budget: two for each part.
      [{ kind: 'reset' }, 15],
      // The Auth Service may have processed these, so they are not retried.
      [{ kind: 'hang' }, 5],
      [{ kind: 'cut' }, 5],
    ];
    let attemptsSoFar = 0;
    for (const [index, [fault, attempts]] of faults.entries()) {
      // Not asked for before: the call ends with its first part that fails, and the next call would join those of its
      // parts that are still under way.
      const ids = crowd(500, index * 500);
      test.authService.fault('users', fault);
      const call = reasonOf(test.browser.trpc.users.byIds.query({ ids }));
      attemptsSoFar += attempts;
      await vi.waitFor(() => expect(test.authService.count('users')).toBe(attemptsSoFar));
      test.deadlines.pass();
      expect(await call).toBe(unavailable);
    }
    expect(test.authService.count('users')).toBe(attemptsSoFar);
  });
});

describe('a lookup with the API key', () => {
  const meant: Record<string, string> = { session_ended: contract, insufficient_permissions: contract };
  const cases = failures.filter(([name]) => !name.includes('Retry-After'));
  it.each([...cases, ['404', status(404), 'employee_not_found'] satisfies Case])(
    'fails with the right reason after %s, which never blames the person',
    async (_name, fault, reason, seconds) => {
      const byId = () => endOf(shared, shared.browser.trpc.employees.byId.query({ id: 1 }));
      expect(await meet(shared, 'employee', fault, byId)).toEqual(failure(meant[reason] ?? reason, seconds));
    },
  );

  it.each([401, 403, 302])('logs the name AUTH_API_KEY if the service refuses it with %i', async (code) => {
    shared.authService.fault('employee', status(code, { location: '/login/' }));
    const data = await errorDataOf(shared.browser.trpc.employees.byId.query({ id: 1 }));
    expect(data.message).toContain('AUTH_API_KEY');
  });
});

describe('a redirect of the Auth Service', () => {
  it.each([301, 302, 303, 307, 308])('is never followed (%i)', async (code) => {
    let hits = 0;
    await using target = await serve((_request, response) => {
      hits += 1;
      response.end();
    });
    await using test = await startSignedIn();
    test.authService.fault('*', status(code, { location: `${target.url}/elsewhere/` }));
    for (const [, call] of everyLookup(test.browser)) await call().catch(() => {});
    const { trpc } = test.app.browser();
    await trpc.session.login.mutate({ email: 'user@example.com', password: 'wrong' }).catch(() => {});
    await test.browser.trpc.session.refresh.mutate().catch(() => {});
    expect(hits).toBe(0);
    expect(test.authService.count()).toBeGreaterThan(7);
  });

  it.each([
    ['with its slash', '/api/v1/tts/user-info/5/'],
    ['without its slash', '/api/v1/tts/user-info/5'],
    ['by https', 'https://auth.example.com/api/v1/tts/user-info/5/'],
    ['below a base path', '/auth/api/v1/tts/user-info/5/'],
    ['with a query', '/api/v1/tts/user-info/5/?x=1'],
  ])(
    'to the same path %s is reported as a wrong AUTH_SERVICE_URL and does not end the session',
    async (_name, location) => {
      const test = shared;
      for (const code of [301, 302, 307, 308]) {
        test.authService.fault('user', status(code, { location }));
        const data = await errorDataOf(test.browser.trpc.users.byId.query({ id: 5 }));
        expect(data).toMatchObject({ code: 'BAD_GATEWAY', reason: contract });
        expect(data.message).toContain('AUTH_SERVICE_URL');
      }
      expect(await toldBy(test)).toEqual(nothing);
    },
  );

  it('caused by a wrong AUTH_SERVICE_URL does not end sessions when they are refreshed', async () => {
    await using test = await startSignedIn();
    test.authService.fault('*', status(301, { location: 'https://auth.example.com/api/v1/token/refresh/cookie/' }));
    expect(await reasonOf(test.browser.trpc.session.refresh.mutate())).toBe(contract);
    expect(await toldBy(test)).toEqual(nothing);
  });

  it('or another response without JSON does not end a session when it is refreshed', async () => {
    await using test = await startSignedIn();
    for (const body of [page, 'RBAC: access denied', '']) {
      for (const code of [400, 403]) {
        test.authService.fault('refresh', { kind: 'status', status: code, body, contentType: 'text/plain' });
        expect(await reasonOf(test.browser.trpc.session.refresh.mutate())).toBe(contract);
      }
    }
    expect(await toldBy(test)).toEqual(nothing);
  });

  it('may have any Location that a header can contain', async () => {
    const test = shared;
    for (const location of ['', '//', 'http://', 'http://[', '%', 'javascript:alert(1)', '\\\\host\\path']) {
      test.authService.fault('user', status(302, { location }));
      expect(await reasonOf(test.browser.trpc.users.byId.query({ id: 5 }))).toBe('session_ended');
    }
  });
});

describe('an unreachable Auth Service', () => {
  it('causes auth_service_unavailable for every lookup and signs no one out', async () => {
    await using test = await startSignedIn();
    await test.authService.close();
    for (const [, call] of everyLookup(test.browser))
      expect(await endOf(test, call())).toEqual(failure(unavailable, 5));
  });

  it('causes auth_service_unavailable for sign-in and refresh', async () => {
    await using test = await startSignedIn();
    await test.authService.close();
    expect(await reasonOf(test.app.browser().trpc.session.login.mutate(johnsCredentials))).toBe(unavailable);
    expect(await endOf(test, test.browser.trpc.session.refresh.mutate())).toEqual(failure(unavailable, 5));
  });

  it('does not prevent sign-out', async () => {
    await using test = await startSignedIn();
    test.authService.fault('*', { kind: 'hang' });
    const logout = () => test.browser.trpc.session.logout.mutate();
    expect(await pastDeadlineAt(test, 'staff-logout', logout)).toBeNull();
    expect(test.browser.cookies.size).toBe(0);
  });
});

describe('sign-in', () => {
  it.each([
    ['a hang', { kind: 'hang' }, unavailable],
    ['a reset', { kind: 'reset' }, unavailable],
    ['a cut', { kind: 'cut' }, unavailable],
    ['a drip', { kind: 'drip' }, unavailable],
    ['garbage', { kind: 'garbage' }, contract],
    ['5 MB and more', { kind: 'huge', bytes: 6_000_000 }, contract],
    ['an empty 200', { kind: 'body', body: '' }, contract],
    ['HTML with 200', { kind: 'body', body: page, contentType: 'text/html' }, contract],
    ['{} with 200', { kind: 'body', body: '{}' }, contract],
    ['204', status(204), contract],
    ['302', status(302, { location: '/login/' }), contract],
    ['400 in HTML', status(400, {}, page), contract],
    ['401 in HTML', status(401, {}, page), contract],
    ['403 in HTML', status(403, {}, page), contract],
    ['400 in plain text', status(400, {}, 'Bad Request'), contract],
    ['a lock in plain text', status(403, {}, 'Account locked: too many login attempts.'), 'account_locked'],
    ['a pending account in plain text', status(403, {}, 'Your account is pending approval.'), 'account_inactive'],
    ['404', status(404), contract],
    ['405', status(405), contract],
    ['408', status(408), unavailable],
    ['429', status(429), unavailable],
    ['500', status(500), unavailable],
    ['503', status(503), unavailable],
    ['401 with an empty body', status(401, {}, ''), 'bad_credentials'],
    ['423', status(423), 'account_locked'],
    ['a success:false with 200', { kind: 'body', body: '{"success":false}' }, 'bad_credentials'],
  ] satisfies Array<[string, Fault, string]>)('fails with the right reason after %s', async (name, fault, reason) => {
    // One account and one address have a limited number of attempts per minute.
    shared.clock.advance(60_000);
    const browser = shared.app.browser();
    const email = `${name.replaceAll(/\W/g, '-')}@example.com`;
    const login = () => reasonOf(browser.trpc.session.login.mutate({ ...johnsCredentials, email }));
    expect(await meet(shared, 'staff-login', fault, login)).toBe(reason);
    expect(browser.setCookies).toEqual([]);
    expect(JSON.stringify([await browser.lastAnswer().text(), shared.logLines])).not.toContain(marker);
  });

  it('ignores a token in a failed sign-in', async () => {
    await using app = await startApp();
    const { access, refresh } = await app.authService.issue(technician);
    const body = JSON.stringify({ success: false, access_token: access, refresh_token: refresh });
    app.authService.fault('staff-login', { kind: 'body', body });
    const browser = app.browser();
    expect(await reasonOf(browser.trpc.session.login.mutate(johnsCredentials))).toBe('bad_credentials');
    expect(browser.setCookies).toEqual([]);
  });
});

it('the transport closes the connection when a response exceeds 5 MB', async () => {
  const offeredBytes = 500_000_000;
  let tookBytes = 0;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let hangUp = () => {};
  const hungUp = new Promise<void>((resolve) => {
    hangUp = resolve;
  });
  await using server = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = () => {
      while (tookBytes < offeredBytes && !response.destroyed) {
        tookBytes += chunk.length;
        if (!response.write(chunk)) return;
      }
      response.end();
    };
    response.on('drain', more);
    response.on('close', () => hangUp());
    more();
  });
  await using test = await startSignedIn({ env: { AUTH_SERVICE_URL: server.url } });
  const data = await errorDataOf(test.browser.trpc.users.byId.query({ id: 5 }));
  expect(data).toMatchObject({ reason: contract });
  await hungUp;
  // 5 MB, plus the size of the socket buffers.
  expect(tookBytes).toBeLessThan(50_000_000);
});

it('the transport closes the connection if Content-Length exceeds 5 MB', async () => {
  let isAsked = false;
  let hangUp = () => {};
  const hungUp = new Promise<void>((resolve) => {
    hangUp = resolve;
  });
  await using server = await serve((_request, response) => {
    response.on('close', () => hangUp());
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000_000_000 });
    response.write('{"id":');
    isAsked = true;
  });
  await using test = await startSignedIn({ env: { AUTH_SERVICE_URL: server.url } });
  const call = () => reasonOf(test.browser.trpc.users.byId.query({ id: 5 }));
  expect(await pastDeadline({ deadlines: test.deadlines, isAsked: () => isAsked }, call)).toBe(unavailable);
  await hungUp;
});

it('the deadline covers a response that arrives byte by byte', async () => {
  let bytes = 0;
  await using server = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    // Sends one byte at a time, and never the whole response.
    const timer = setInterval(() => {
      response.write(' ');
      bytes += 1;
    }, 1);
    response.on('close', () => clearInterval(timer));
  });
  await using test = await startSignedIn({ env: { AUTH_SERVICE_URL: server.url } });
  const call = reasonOf(test.browser.trpc.users.byId.query({ id: 5 }));
  await vi.waitFor(() => expect(bytes).toBeGreaterThan(20));
  expect(test.deadlines.created()).toBe(1);
  test.deadlines.pass();
  expect(await call).toBe(unavailable);
});

it('other endpoints are called while one endpoint hangs', async () => {
  await using test = await startSignedIn();
  test.authService.fault('user', { kind: 'hang' });
  const other = test.app.browser();
  other.holdTokens(await test.authService.issue(technician));
  const hanging = reasonOf(test.browser.trpc.users.byId.query({ id: 5 }));
  await vi.waitFor(() => expect(test.authService.count('user')).toBe(1));
  expect(await other.trpc.users.byIds.query({ ids: [5] })).toMatchObject({ users: [{ id: 5 }] });
  test.deadlines.pass();
  expect(await hanging).toBe(unavailable);
});

it('the transport opens a new connection after a kept-alive one was closed', async () => {
  await using test = await startSignedIn();
  const endpoints: EndpointName[] = ['user', 'users'];
  for (const endpoint of endpoints) {
    for (const fault of [{ kind: 'reset' }, { kind: 'garbage' }, { kind: 'cut' }] as const) {
      test.authService.fault(endpoint, { ...fault, times: 1 });
      await Promise.allSettled([
        test.browser.trpc.users.byId.query({ id: 5 }),
        test.browser.trpc.users.byIds.query({ ids: [5] }),
      ]);
      expect((await test.browser.trpc.users.byId.query({ id: 5 })).id).toBe(5);
      expect((await test.browser.trpc.users.byIds.query({ ids: [5] })).users).toHaveLength(1);
    }
  }
});

describe('an AUTH_SERVICE_URL with a base path', () => {
  it.each(['/auth', '/auth/', '/a/b//', '/'])('is prepended to every path: %s', async (base) => {
    const asked: string[] = [];
    await using server = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.setHeader('content-type', 'application/json');
      response.end('{"id":5,"email":"e@example.com","first_name":"F","last_name":"L","user_ids":[5]}');
    });
    await using test = await startSignedIn({ env: { AUTH_SERVICE_URL: `${server.url}${base}` } });
    await test.browser.trpc.users.byId.query({ id: 5 });
    await test.browser.trpc.users.byRole.query({ system: 'TTS', role: 'A & B' });
    const before = base.replace(/\/+$/, '');
    expect(asked).toEqual([
      `${before}/api/v1/tts/user-info/5/`,
      `${before}/api/v1/tts/round-robin/?system=TTS&role=A+%26+B&role_name=A+%26+B`,
    ]);
  });

  it('is distinguished from the login page below it', async () => {
    let location = '';
    await using server = await serve((_request, response) => {
      response.writeHead(302, { location });
      response.end();
    });
    await using test = await startSignedIn({ env: { AUTH_SERVICE_URL: `${server.url}/auth` } });
    location = '/auth/login/';
    expect(await reasonOf(test.browser.trpc.users.byId.query({ id: 5 }))).toBe('session_ended');
    location = '/auth/api/v1/tts/user-info/5/';
    expect(await reasonOf(test.browser.trpc.users.byId.query({ id: 5 }))).toBe(contract);
  });
});
