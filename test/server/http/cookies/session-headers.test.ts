import { describe, expect, it } from 'vitest';
import { signInPeople } from '../../../../server/dev/auth-service/people/people.ts';
import {
  askRaw,
  errorOf,
  postHeaders,
  queryTarget,
  type RawAnswer,
  written,
} from '../../../support/app/raw-request.ts';
import { createClock, startApp, type StartAppOptions } from '../../../support/app/start-app.ts';

const person = (shows: RegExp) => {
  const found = signInPeople.find((one) => shows.test(one.shows));
  return written({ email: found?.email, password: found?.password, as: found?.as });
};

/** The session headers of a response: seconds until the session expires, and until it should be refreshed. */
const toldBy = ({ headers }: RawAnswer) => [headers['x-session-expires-in'], headers['x-session-refresh-in']];
const nothing = [undefined, undefined];
const userOf = ({ headers }: RawAnswer) => headers['x-session-user'];

const startSignedIn = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options });
  const staff = await app.authService.issue({ type: 'staff', id: 123 });
  const employee = await app.authService.issue({ type: 'employee', id: 1 });
  const cookies = {
    staff: `access_token=${staff.access}; refresh_token=${staff.refresh}`,
    employee: `access_token=${employee.access}`,
  };
  const ask = (target: string, headers: Record<string, string> = { cookie: cookies.staff }) =>
    askRaw(app.url, { target, headers });
  const post = (path: string, body = '{}', headers: Record<string, string> = {}) =>
    askRaw(app.url, { method: 'POST', target: `/trpc/${path}`, headers: { ...postHeaders, ...headers }, body });
  return { app, clock, cookies, staff, ask, post, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};

describe('a response to a signed-in person has the session headers', () => {
  it.each([
    ['a query', '/trpc/session.me'],
    ['a query of the Auth Service', queryTarget('users.byId', { json: { id: 1 } })],
    ['a batch', '/trpc/session.me,users.me?batch=1'],
    ['a batch that includes public calls', '/trpc/status.get,session.me,no.such?batch=1'],
    ['an invalid input', queryTarget('users.byId', { json: { id: 'x' } })],
    ['an unknown user', queryTarget('users.byId', { json: { id: 99_999 } })],
  ])('with %s', async (_name, target) => {
    await using test = await startSignedIn();
    expect(toldBy(await test.ask(target))).toEqual(['900', '600']);
  });

  it('with a Bearer token', async () => {
    await using test = await startSignedIn();
    const { ask, staff } = test;
    expect(toldBy(await ask('/trpc/session.me', { authorization: `Bearer ${staff.access}` }))).toEqual(['900', '600']);
  });

  it('with a forbidden call', async () => {
    await using test = await startSignedIn();
    const { ask, cookies } = test;
    const answer = await ask(queryTarget('users.byId', { json: { id: 1 } }), { cookie: cookies.employee });
    expect(errorOf(answer).reason).toBe('insufficient_permissions');
    expect(toldBy(answer)).toEqual(['900', '600']);
  });

  it('during an outage of the Auth Service', async () => {
    await using test = await startSignedIn();
    const { app, ask } = test;
    app.authService.fault('*', { kind: 'status', status: 503 });
    const answer = await ask(queryTarget('users.byId', { json: { id: 1 } }));
    expect(errorOf(answer).reason).toBe('auth_service_unavailable');
    expect(toldBy(answer)).toEqual(['900', '600']);
  });

  it('with a sign-in and a refresh, for the new session', async () => {
    await using test = await startSignedIn();
    const { clock, cookies, post } = test;
    expect(toldBy(await post('session.login', person(/^TTS technician/)))).toEqual(['900', '600']);
    clock.advance(700_000);
    expect(toldBy(await post('session.refresh', '{}', { cookie: cookies.staff }))).toEqual(['900', '600']);
    expect(toldBy(await post('session.refresh?batch=1', '{}', { cookie: cookies.staff }))).toEqual(['900', '600']);
  });

  it.each([
    ['one call', '/trpc/session.me?batch=1'],
    ['several', '/trpc/session.me,users.me,status.get?batch=1'],
  ])('with a stream of %s, which sends its head before its calls end', async (_name, target) => {
    await using test = await startSignedIn();
    const { ask, cookies } = test;
    for (const accepts of [{ 'trpc-accept': 'application/jsonl' }, { accept: 'application/jsonl' }]) {
      const answer = await ask(target, { cookie: cookies.staff, ...accepts });
      expect(answer.status).toBe(200);
      expect(answer.body).toContain('"expiresAt"');
      expect(toldBy(answer)).toEqual(['900', '600']);
    }
  });
});

describe('a response to an anonymous caller has no session headers', () => {
  it.each([
    ['no token', {}],
    ['an invalid token', { cookie: 'access_token=nonsense' }],
    ['a duplicate cookie', { cookie: 'access_token=a; access_token=b' }],
    ['a refresh token alone', { cookie: 'refresh_token=nonsense' }],
  ])('with %s', async (_name, headers) => {
    await using test = await startSignedIn();
    for (const target of [
      '/trpc/session.me',
      '/trpc/status.get',
      '/trpc/session.validate',
      '/trpc/no.such',
      '/health/live',
    ]) {
      expect(toldBy(await test.ask(target, headers))).toEqual(nothing);
    }
    const stream = await test.ask('/trpc/session.me?batch=1', { ...headers, 'trpc-accept': 'application/jsonl' });
    expect(toldBy(stream)).toEqual(nothing);
  });

  it('with a token that has expired', async () => {
    await using test = await startSignedIn();
    test.clock.advance(900_000);
    const answer = await test.ask('/trpc/session.me');
    expect(errorOf(answer).reason).toBe('token_expired');
    expect(toldBy(answer)).toEqual(nothing);
  });

  it('with a sign-in that failed, or that waits for its second factor', async () => {
    await using test = await startSignedIn();
    const { post } = test;
    expect(toldBy(await post('session.login', written({ email: 'unknown@example.com', password: 'x' })))).toEqual(
      nothing,
    );
    const challenged = await post('session.login', person(/^Second factor/));
    expect(challenged.body).toContain('otp_required');
    expect(toldBy(challenged)).toEqual(nothing);
  });

  it('with a sign-out, and with every later call', async () => {
    await using test = await startSignedIn();
    const { ask, cookies, post } = test;
    expect(toldBy(await post('session.logout', '{}', { cookie: cookies.staff }))).toEqual(nothing);
    const answer = await ask('/trpc/session.me');
    expect(errorOf(answer).reason).toBe('session_ended');
    expect(toldBy(answer)).toEqual(nothing);
  });

  it('with a rejected refresh', async () => {
    await using test = await startSignedIn();
    const { app, cookies, post } = test;
    app.authService.fault('refresh', { kind: 'status', status: 401, body: '{"detail":"Token is blacklisted"}' });
    const answer = await post('session.refresh', '{}', { cookie: cookies.staff });
    expect(errorOf(answer).reason).toBe('session_ended');
    expect(toldBy(answer)).toEqual(nothing);
  });
});

describe('the seconds in the session headers', () => {
  it('are whole, rounded down, and never negative', async () => {
    await using test = await startSignedIn();
    const { ask, clock } = test;
    for (const [ms, told] of [
      [1, ['899', '599']],
      [998, ['899', '599']],
      [1, ['899', '599']],
      [598_999, ['300', '0']],
      [1, ['300', '0']],
      [1_000, ['299', '0']],
      [298_000, ['1', '0']],
      [500, ['0', '0']],
      [499, ['0', '0']],
    ] as const) {
      clock.advance(ms);
      expect(toldBy(await ask('/trpc/session.me'))).toEqual(told);
    }
    clock.advance(1);
    expect(toldBy(await ask('/trpc/session.me'))).toEqual(nothing);
  });

  it.each([
    ['the threshold before its expiry', 900, '300', ['900', '600']],
    ['another threshold before its expiry', 900, '60', ['900', '840']],
    ['at its expiry without a threshold', 900, '0', ['900', '900']],
    ['at half of its lifetime if the threshold is half of it', 900, '450', ['900', '450']],
    ['at half of its lifetime if the threshold is more', 900, '600', ['900', '450']],
    ['at half of its lifetime if the threshold is all of it', 900, '900', ['900', '450']],
    ['at half of its lifetime if the threshold exceeds it', 900, '86400', ['900', '450']],
    ['at half of a short lifetime', 60, '300', ['60', '30']],
    ['at half of an odd lifetime', 61, '300', ['61', '30']],
  ])('tell the client to refresh %s', async (_name, accessLifetimeSeconds, threshold, told) => {
    const env = { TOKEN_REFRESH_THRESHOLD: threshold };
    await using test = await startSignedIn({ env, authService: { accessLifetimeSeconds } });
    const { ask, post } = test;
    expect(toldBy(await ask('/trpc/session.me'))).toEqual(told);
    expect(toldBy(await post('session.login', person(/^TTS technician/)))).toEqual(told);
  });
});

describe('every response to a valid token names the person of the session', () => {
  it.each([
    ['a query', '/trpc/session.me', 200],
    ['a public query', '/trpc/status.get', 200],
    ['a procedure that does not exist', '/trpc/no.such', 404],
    ['an input that cannot be read', '/trpc/employees.byId?input=nonsense', 400],
    ['a method that is not supported', '/trpc/session.login', 405],
    ['a batch that is too long', `/trpc/${Array.from({ length: 51 }, () => 'status.get').join(',')}?batch=1`, 400],
    ['a URL that is too long', `/trpc/status.get?${'x'.repeat(12_001)}`, 413],
  ])('%s', async (_name, target, status) => {
    await using test = await startSignedIn();
    for (const [who, expected] of [
      ['staff', 'staff:123'],
      ['employee', 'employee:1'],
    ] as const) {
      const answer = await test.ask(target, { cookie: test.cookies[who] });
      expect([answer.status, userOf(answer), toldBy(answer)]).toEqual([status, expected, ['900', '600']]);
    }
    expect(userOf(await test.ask(target, {}))).toBeUndefined();
    expect(userOf(await test.ask(target, { cookie: 'access_token=nonsense' }))).toBeUndefined();
  });

  it('a cross-site request, one without x-csrf, and one that is not JSON', async () => {
    await using test = await startSignedIn();
    const { post, cookies } = test;
    for (const [headers, status] of [
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'x-csrf': '' }, 403],
      [{ 'content-type': 'text/plain' }, 415],
    ] as const) {
      const answer = await post('session.logout', '{}', { cookie: cookies.staff, ...headers });
      expect([answer.status, userOf(answer)]).toEqual([status, 'staff:123']);
    }
  });

  it('a failure during an outage of the Auth Service', async () => {
    await using test = await startSignedIn();
    const { app, post, cookies } = test;
    app.authService.fault('*', { kind: 'status', status: 503 });
    for (const [path, body] of [
      ['session.login', person(/^TTS technician/)],
      ['session.refresh', '{}'],
    ] as const) {
      const answer = await post(path, body, { cookie: cookies.staff });
      expect([answer.status, userOf(answer)]).toEqual([503, 'staff:123']);
    }
  });

  it('a request over the rate limit', async () => {
    await using test = await startSignedIn({ env: { RATE_LIMIT_PER_MINUTE: '1' } });
    const answers = [await test.ask('/trpc/session.me'), await test.ask('/trpc/session.me')];
    expect(answers.map(({ status }) => status)).toEqual([200, 429]);
    expect(answers.map(userOf)).toEqual(['staff:123', 'staff:123']);
  });

  it('a failed sign-in names the person of the continuing session', async () => {
    await using test = await startSignedIn();
    const { post, cookies } = test;
    const answer = await post('session.login', written({ email: 'x@example.com', password: 'y' }), {
      cookie: cookies.staff,
    });
    expect([answer.status, userOf(answer)]).toEqual([401, 'staff:123']);
  });

  it('a sign-in and a refresh name the person of the new session; a sign-out names no person', async () => {
    await using test = await startSignedIn();
    const { post, cookies } = test;
    expect(userOf(await post('session.login', person(/^TTS technician/), { cookie: cookies.employee }))).toBe(
      'staff:123',
    );
    expect(userOf(await post('session.refresh', '{}', { cookie: cookies.staff }))).toBe('staff:123');
    expect(userOf(await post('session.logout', '{}', { cookie: cookies.employee }))).toBeUndefined();
    expect(userOf(await test.ask('/trpc/status.get', { cookie: cookies.employee }))).toBeUndefined();
  });

  it('a cross-origin script of an allowed origin can read it', async () => {
    await using test = await startSignedIn({ env: { CORS_ORIGINS: 'https://tts.example.org' } });
    const { headers } = await test.ask('/trpc/session.me', {
      cookie: test.cookies.staff,
      origin: 'https://tts.example.org',
    });
    expect(String(headers['access-control-expose-headers']).split(/, ?/)).toContain('x-session-user');
  });
});
