import { describe, expect, it, vi } from 'vitest';
import type { EmbeddedAuthService, TokenPair } from '../../server/dev/auth-service/auth-service.ts';
import { endpointNames } from '../../server/dev/auth-service/endpoints.ts';
import type { AuthResponse } from '../../server/dev/auth-service/http-messages.ts';
import type { Subject } from '../../server/dev/auth-service/people/people.ts';
import { createAuthServiceClient } from '../../server/src/auth-service/client.ts';
import { createTransport } from '../../server/src/auth-service/transport.ts';
import { type Browser, errorDataOf, reasonOf } from '../support/app/browser.ts';
import {
  accessLifetimeMs,
  apiKey,
  createClock,
  signingKey,
  startApp,
  type StartAppOptions,
  type TestApp,
} from '../support/app/start-app.ts';
import { atOnce } from '../support/time/timers.ts';
import { craft, staffToken } from '../support/token/tokens.ts';
import { sendRequest, claimsOf, EMPLOYEE, field, STAFF } from '../server/dev/auth-service/send-request.ts';

// Each test first reproduces the vulnerability or the behaviour against the embedded Auth Service in the deployed dialect.

const staffOne: Subject = { type: 'staff', id: 1 };
const employeeOne: Subject = { type: 'employee', id: 1 };
const technician: Subject = { type: 'staff', id: 123 };
const withSecondFactor = { email: 'rafael.domingo@example.com', ...STAFF };

const startDeployed = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ dialect: 'deployed', now: clock.now, startAnswerTimer: atOnce, ...options });
  const to = (path: string) => `${app.authService.url}/api/${path}`;
  const holding = (tokens: Partial<TokenPair>) => {
    const browser = app.browser();
    browser.holdTokens(tokens);
    return browser;
  };
  /** A browser that holds fresh tokens of `subject`. */
  const as = async (subject: Subject) => holding(await app.authService.issue(subject));
  return { ...app, app, clock, to, holding, as, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};
type Test = Awaited<ReturnType<typeof startDeployed>>;

const pathsOf = ({ calls }: EmbeddedAuthService) => calls.map(({ path }) => path.split('?')[0]);

/** Expects that the BFF rejects every kind of call with `reason`, without a request to the Auth Service. */
const expectNoSession = async ({ authService }: Pick<TestApp, 'authService'>, browser: Browser, reason: string) => {
  authService.resetCalls();
  const { trpc } = browser;
  const calls = [
    () => trpc.session.me.query(),
    () => trpc.users.me.query(),
    () => trpc.users.byId.query({ id: 5 }),
    () => trpc.users.byIds.query({ ids: [5] }),
    () => trpc.users.byRole.query({ system: 'TTS', role: 'Technician' }),
    () => trpc.users.byCompanyId.query({ companyId: 'MA0001' }),
    () => trpc.employees.byId.query({ id: 1 }),
  ];
  for (const call of calls) expect(await reasonOf(call())).toBe(reason);
  expect(await trpc.session.validate.query()).toEqual({ valid: false });
  expect(authService.count()).toBe(0);
};

/** Makes the Auth Service answer a refresh with these cookies instead of its own. */
const refreshInto = ({ authService }: Test, cookies: Record<string, string>) =>
  authService.fault('refresh', {
    kind: 'transform',
    answer: (answer): AuthResponse => ({
      ...answer,
      headers: {
        ...answer.headers,
        'set-cookie': Object.entries(cookies).map(([name, value]) => `${name}=${value}; Path=/`),
      },
    }),
  });

describe('the token handed out before the second factor works as a full access token', () => {
  it('the BFF rejects it with token_invalid, as a cookie and as a Bearer token', async () => {
    await using test = await startDeployed();
    const signIn = await sendRequest(test.to('v1/users/login/api/'), { json: withSecondFactor });
    const pending = field(signIn.body, 'temporary_token');
    expect(await sendRequest(test.to('v1/tts/user-info/5/'), { token: pending })).toMatchObject({ status: 200 });

    await expectNoSession(test, test.holding({ access: pending }), 'token_invalid');
    await expectNoSession(test, test.app.browser({ headers: { authorization: `Bearer ${pending}` } }), 'token_invalid');
  });

  it.each(['temp_otp_login', 'otp_required'])('the BFF rejects a token whose only such claim is %s', async (claim) => {
    await using test = await startDeployed();
    const { access } = await test.authService.issue(technician, { [claim]: true });
    expect(await sendRequest(test.to('v1/tts/user-info/5/'), { token: access })).toMatchObject({ status: 200 });
    await expectNoSession(test, test.holding({ access }), 'token_invalid');
  });

  it('the browser receives it only inside an encrypted challenge, which is not accepted as a token', async () => {
    await using test = await startDeployed();
    let pending = '';
    test.authService.fault('staff-login', {
      kind: 'transform',
      answer: (answer) => {
        pending = field(answer.body, 'temporary_token');
        return answer;
      },
    });
    const browser = test.app.browser();
    const answer = await browser.trpc.session.login.mutate(withSecondFactor);
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    expect(pending).toMatch(/^eyJ/);
    expect(browser.setCookies).toEqual([]);
    const [, payload = ''] = pending.split('.');
    const responseText = await browser.lastAnswer().text();
    expect(responseText).not.toContain(payload);
    expect(answer.challenge.split('.').map((part) => Buffer.from(part, 'base64url').toString())).not.toContainEqual(
      expect.stringContaining('eyJ'),
    );
    await expectNoSession(test, test.holding({ access: answer.challenge }), 'token_invalid');
  });

  it('the BFF rejects a sign-in in which the Auth Service returns it as the access token', async () => {
    await using test = await startDeployed();
    const pending = await test.authService.issue({ type: 'staff', id: 7 }, { temp_otp_login: true });
    const body = JSON.stringify({ success: true, access_token: pending.access, refresh_token: pending.refresh });
    test.authService.fault('staff-login', { kind: 'body', body });
    const browser = test.app.browser();
    expect(await reasonOf(browser.trpc.session.login.mutate(withSecondFactor))).toBe('auth_service_contract');
    expect(browser.setCookies).toEqual([]);
  });

  it('the BFF rejects a refresh that returns it', async () => {
    await using test = await startDeployed();
    const pending = await test.authService.issue(technician, { otp_required: true });
    refreshInto(test, { access_token: pending.access });
    const browser = await test.as(technician);
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('auth_service_contract');
    expect(browser.setCookies).toEqual([]);
  });
});

describe("an employee's token acts as the staff user with the same number on staff endpoints", () => {
  it('the BFF never sends it to a staff endpoint', async () => {
    await using test = await startDeployed();
    const { access } = await test.authService.issue(employeeOne);
    const upstream = await sendRequest(test.to('v1/users/profile/'), { token: access });
    expect(upstream).toMatchObject({ status: 200, body: { id: 1, first_name: 'Maria', last_name: 'Santos' } });
    expect(await sendRequest(test.to('v1/tts/user-info/5/'), { token: access })).toMatchObject({ status: 200 });
    expect(await sendRequest(test.to('v1/users/token/validate/'), { token: access })).toMatchObject({ status: 200 });

    test.authService.resetCalls();
    const browser = test.holding({ access });
    const { trpc } = browser;
    const staffCalls = [
      trpc.users.byId.query({ id: 1 }),
      trpc.users.byIds.query({ ids: [1, 5] }),
      trpc.users.byCompanyId.query({ companyId: 'MA0001' }),
      trpc.users.byRole.query({ system: 'TTS', role: 'Technician' }),
      trpc.users.byRole.query({ system: 'HDTS', role: 'Agent' }),
    ];
    expect(new Set(await Promise.all(staffCalls.map(reasonOf)))).toEqual(new Set(['insufficient_permissions']));
    expect(await trpc.users.me.query()).toMatchObject({ id: 1, firstName: 'Alice', lastName: 'Navarro' });
    expect((await trpc.session.me.query()).user).toMatchObject({ id: 1, type: 'employee' });
    expect(await trpc.session.validate.query()).toEqual({ valid: true });
    expect(await trpc.employees.byId.query({ id: 1 })).toMatchObject({ firstName: 'Alice' });
    expect(pathsOf(test.authService)).toEqual([
      '/api/v1/hdts/employees/api/profile/',
      '/api/me/',
      '/api/v1/hdts/employees/internal/1/',
    ]);
  });

  it('the Auth Service client does not send it there even if a policy admits the employee', async () => {
    await using test = await startDeployed();
    const { access } = await test.authService.issue(employeeOne);
    const transport = createTransport({ url: test.authService.url, apiKey });
    const client = createAuthServiceClient({ transport, now: test.clock.now });
    const caller = { ...employeeOne, accessToken: access };
    const calls = [
      client.user(1, caller),
      client.users([1], caller),
      client.userIdsByRole({ system: 'TTS', role: 'Technician' }, caller),
      client.userByCompanyId('MA0001', caller),
      client.staffProfile(caller),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ reason: 'insufficient_permissions' });
    const staff = { ...staffOne, accessToken: access };
    await expect(client.employeeProfile(staff)).rejects.toMatchObject({ reason: 'insufficient_permissions' });
    expect(test.authService.count()).toBe(0);
    await transport.close();
  });

  it('concurrent calls of a staff user and an employee with the same number get their own data', async () => {
    await using test = await startDeployed();
    const staff = await test.as(staffOne);
    const employee = await test.as(employeeOne);
    for (let round = 0; round < 3; round += 1) {
      const [maria, alice] = await Promise.all([staff.trpc.users.me.query(), employee.trpc.users.me.query()]);
      expect([maria.firstName, alice.firstName]).toEqual(['Maria', 'Alice']);
      expect((await staff.trpc.session.me.query()).user).toMatchObject({ id: 1, type: 'staff' });
      expect((await employee.trpc.session.me.query()).user).toMatchObject({ id: 1, type: 'employee' });
      expect((await staff.trpc.users.byId.query({ id: 1 })).firstName).toBe('Maria');
      expect((await staff.trpc.employees.byId.query({ id: 1 })).firstName).toBe('Alice');
      expect(await reasonOf(employee.trpc.users.byId.query({ id: 1 }))).toBe('insufficient_permissions');
    }
    await employee.trpc.session.logout.mutate();
    expect((await staff.trpc.users.me.query()).firstName).toBe('Maria');
  });

  it('the BFF rejects it in combination with the refresh token of the staff user', async () => {
    await using test = await startDeployed();
    const staff = await test.authService.issue(staffOne);
    const employee = await test.authService.issue(employeeOne);
    const upstream = await sendRequest(test.to('v1/token/refresh/cookie/'), {
      method: 'POST',
      token: employee.access,
      cookie: `refresh_token=${staff.refresh}`,
    });
    expect(claimsOf(upstream.cookies.access_token)).toMatchObject({ user_id: 1, user_type: 'staff' });

    test.authService.resetCalls();
    for (const [access, refresh] of [
      [employee.access, staff.refresh],
      [staff.access, employee.refresh],
    ] as const) {
      const browser = test.holding({ access, refresh });
      expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('session_ended');
      expect(browser.cookies.size).toBe(0);
    }
    expect(test.authService.count()).toBe(0);
  });

  it('the BFF rejects an employee sign-in that returns the tokens of a staff user', async () => {
    await using test = await startDeployed();
    const { access, refresh } = await test.authService.issue(staffOne);
    test.authService.fault('employee-login', {
      kind: 'body',
      body: JSON.stringify({ success: true, access, refresh }),
    });
    const browser = test.app.browser();
    const credentials = { email: 'alice.navarro@partners.example.com', ...EMPLOYEE, as: 'employee' } as const;
    expect(await reasonOf(browser.trpc.session.login.mutate(credentials))).toBe('auth_service_contract');
    expect(browser.setCookies).toEqual([]);
  });
});

/** Refreshes a session and reports the outcome, for refreshes that return the tokens of another person. */
const endOfRefresh = async (test: Test, tokens: TokenPair) => {
  const { authService, logLines } = test;
  const browser = test.holding(tokens);
  const reason = await reasonOf(browser.trpc.session.refresh.mutate());
  const signedOutUpstream = () => authService.count('staff-logout') + authService.count('employee-logout');
  await vi.waitUntil(() => signedOutUpstream() > 0);
  const again = [
    await reasonOf(test.holding(tokens).trpc.session.refresh.mutate()),
    await reasonOf(test.holding({ access: tokens.access }).trpc.users.me.query()),
  ];
  return {
    reason,
    tokensSet: browser.setCookies.filter((line) => line.includes('eyJ')).length,
    cookiesLeft: browser.cookies.size,
    warnings: logLines.filter(({ msg }) => String(msg).includes('token of another person')).length,
    signedOutUpstream: signedOutUpstream(),
    again,
    refreshes: authService.count('refresh'),
  };
};
/** Both tokens are revoked: the old tokens fail, and so does a second refresh. */
const dropped = {
  reason: 'session_ended',
  tokensSet: 0,
  cookiesLeft: 0,
  warnings: 1,
  signedOutUpstream: 1,
  again: ['session_ended', 'session_ended'],
  refreshes: 1,
};

describe("the older staff refresh endpoint turns an employee's refresh token into a staff token", () => {
  it('the BFF never sends an employee refresh token to it, even if the employee endpoint is missing', async () => {
    await using test = await startDeployed();
    const tokens = await test.authService.issue(employeeOne);
    const upstream = await sendRequest(test.to('v1/users/token/refresh/'), {
      method: 'POST',
      token: tokens.access,
      cookie: `refresh_token=${tokens.refresh}`,
    });
    expect(claimsOf(upstream.cookies.access_token)).toMatchObject({ user_id: 1, user_type: 'staff' });

    test.authService.resetCalls();
    test.authService.fault('refresh', { kind: 'status', status: 404 });
    const browser = test.holding(tokens);
    expect((await browser.trpc.session.refresh.mutate()).user).toMatchObject({ id: 1, type: 'employee' });
    expect(test.authService.count('employee-refresh')).toBe(1);
    expect(test.authService.count('staff-refresh')).toBe(0);
    expect(claimsOf(browser.cookies.get('access_token'))).toMatchObject({ employee_id: 1, user_type: 'employee' });
  });

  it('the BFF ends an employee session whose refresh returns tokens of the staff user with the same number', async () => {
    await using test = await startDeployed();
    const staff = await test.authService.issue(staffOne);
    refreshInto(test, { access_token: staff.access });
    expect(await endOfRefresh(test, await test.authService.issue(employeeOne))).toEqual(dropped);
  });

  it('the BFF ends a session whose refresh returns an access token of another person', async () => {
    await using test = await startDeployed();
    const other = await test.authService.issue({ type: 'staff', id: 6 });
    refreshInto(test, { access_token: other.access });
    expect(await endOfRefresh(test, await test.authService.issue(technician))).toEqual(dropped);
  });

  it('the BFF ends a session whose refresh returns a refresh token of another person', async () => {
    await using test = await startDeployed();
    const own = await test.authService.issue(technician);
    const other = await test.authService.issue({ type: 'staff', id: 6 });
    refreshInto(test, { access_token: own.access, refresh_token: other.refresh });
    expect(await endOfRefresh(test, await test.authService.issue(technician))).toEqual(dropped);
  });
});

describe("an employee's refresh token is accepted as an access token", () => {
  it('the BFF rejects a refresh token of an employee or a staff user in place of an access token', async () => {
    await using test = await startDeployed();
    const employee = await test.authService.issue(employeeOne);
    expect(await sendRequest(test.to('v1/tts/user-info/5/'), { token: employee.refresh })).toMatchObject({
      status: 200,
    });
    expect(await sendRequest(test.to('me/'), { token: employee.refresh })).toMatchObject({ status: 200 });
    const staff = await test.authService.issue(technician);
    for (const { refresh } of [employee, staff]) {
      await expectNoSession(test, test.holding({ access: refresh }), 'token_invalid');
    }
  });

  it.each([technician, employeeOne])('the BFF does not refresh with the access token of $type $id', async (subject) => {
    await using test = await startDeployed();
    const { access } = await test.authService.issue(subject);
    const browser = test.holding({ access, refresh: access });
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('token_invalid');
    expect(test.authService.count()).toBe(0);
  });

  it('the BFF rejects a sign-in in which the Auth Service swapped the access and the refresh token', async () => {
    await using test = await startDeployed();
    const { access, refresh } = await test.authService.issue(technician);
    const credentials = { email: 'user@example.com', ...STAFF };
    for (const granted of [
      { access_token: refresh, refresh_token: refresh },
      { access_token: access, refresh_token: access },
      { access_token: refresh, refresh_token: access },
    ]) {
      const body = JSON.stringify({ success: true, ...granted });
      test.authService.fault('staff-login', { kind: 'body', body });
      const browser = test.app.browser();
      expect(await reasonOf(browser.trpc.session.login.mutate(credentials))).toBe('auth_service_contract');
      expect(browser.setCookies).toEqual([]);
    }
  });
});

describe('JWT cookies readable by scripts', () => {
  it('the BFF sets its own as HttpOnly, SameSite=Lax and Secure, on sign-in and on both kinds of refresh', async () => {
    await using test = await startDeployed();
    const { access, refresh } = await test.authService.issue(technician);
    const upstream = await sendRequest(test.to('v1/users/token/refresh/'), {
      method: 'POST',
      token: access,
      cookie: `refresh_token=${refresh}`,
    });
    expect(upstream.setCookies).toEqual([expect.stringMatching(/^access_token=eyJ/)]);
    expect(upstream.setCookies.join()).not.toMatch(/httponly/i);

    const browser = test.app.browser();
    await browser.trpc.session.login.mutate({ email: 'user@example.com', ...STAFF });
    await browser.trpc.session.refresh.mutate();
    test.authService.fault('refresh', { kind: 'status', status: 404 });
    test.clock.advance(60_000);
    await browser.trpc.session.refresh.mutate();
    expect(test.authService.count('staff-refresh')).toBe(2);
    const lines = browser.setCookies.filter((line) => /^\w+_token=/.test(line));
    const names = ['access_token', 'refresh_token', 'access_token', 'access_token'];
    expect(lines.map((line) => line.split('=')[0])).toEqual(names);
    for (const line of lines) {
      const attributes = line
        .split(';')
        .slice(1)
        .map((attribute) => attribute.trim());
      expect(attributes).toEqual(expect.arrayContaining(['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/']));
      expect(attributes.filter((attribute) => /^domain=/i.test(attribute))).toEqual([]);
    }
  });

  it('the BFF sets its own as HttpOnly in development too, without Secure', async () => {
    const env = { NODE_ENV: 'development', COOKIE_SECURE: 'false' };
    await using test = await startDeployed({ env });
    const browser = test.app.browser();
    await browser.trpc.session.login.mutate({ email: 'user@example.com', ...STAFF });
    // The device cookie has the same attributes.
    expect(browser.setCookies).toHaveLength(3);
    for (const line of browser.setCookies) {
      expect(line).toMatch(/; HttpOnly/);
      expect(line).toMatch(/; SameSite=Lax/);
      expect(line).not.toMatch(/secure/i);
    }
  });

  it('the BFF moves the tokens from the response body into cookies and returns none in a body', async () => {
    await using test = await startDeployed();
    const credentials = { email: 'user@example.com', ...STAFF };
    const upstream = await sendRequest(test.to('v1/users/login/api/'), { json: credentials });
    expect(field(upstream.body, 'access_token')).toMatch(/^eyJ/);
    expect(upstream.cookies).not.toHaveProperty('access_token');

    const browser = test.app.browser();
    await browser.trpc.session.login.mutate(credentials);
    expect([...browser.cookies.keys()]).toEqual(['access_token', 'refresh_token', 'auth_bff_device']);
    expect(await browser.lastAnswer().text()).not.toContain('eyJ');
  });
});

describe('the internal employee endpoint is open', () => {
  it('the BFF returns its public fields only, and only to callers whom the policy admits', async () => {
    await using test = await startDeployed();
    const upstream = await sendRequest(test.to('v1/hdts/employees/internal/1/'), {
      headers: { 'x-api-key': 'no key at all' },
    });
    expect(upstream).toMatchObject({
      status: 200,
      body: { phone_number: expect.any(String), username: expect.any(String) },
    });

    test.authService.resetCalls();
    expect(await reasonOf(test.app.browser().trpc.employees.byId.query({ id: 1 }))).toBe('no_token');
    for (const subject of [
      { type: 'staff', id: 4 },
      { type: 'staff', id: 42 },
      { type: 'employee', id: 2 },
    ] as const) {
      const browser = await test.as(subject);
      expect(await reasonOf(browser.trpc.employees.byId.query({ id: 1 }))).toBe('insufficient_permissions');
    }
    expect(test.authService.count()).toBe(0);

    const agent = await test.as({ type: 'staff', id: 3 });
    expect(Object.keys(await agent.trpc.employees.byId.query({ id: 1 })).toSorted()).toEqual(
      ['id', 'email', 'firstName', 'lastName', 'status', 'createdAt'].toSorted(),
    );
    const employee = await test.as(employeeOne);
    expect(Object.keys(await employee.trpc.users.me.query())).toHaveLength(6);
  });
});

describe('behaviour 1: a bad token is answered with a 302 to a login page', () => {
  it('the BFF reports session_ended and never requests the login page', async () => {
    // The BFF and the Auth Service have different keys, so a token that the BFF accepts is invalid upstream.
    await using test = await startDeployed({
      authService: { signingKey: 'the-key-of-another-auth-service-0123456789' },
    });
    const access = staffToken(test.clock.now(), { systems: ['TTS'], roles: [] }, signingKey);
    const upstream = await sendRequest(test.to('v1/tts/user-info/5/'), { token: access });
    expect([upstream.status, upstream.headers.get('location')]).toEqual([302, '/staff/login/']);
    const page = await fetch(`${test.authService.url}/staff/login/`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);

    test.authService.resetCalls();
    const browser = test.holding({ access });
    const { trpc } = browser;
    const calls = [
      () => trpc.users.me.query(),
      () => trpc.users.byId.query({ id: 5 }),
      () => trpc.users.byIds.query({ ids: [5] }),
      () => trpc.users.byRole.query({ system: 'TTS', role: 'Technician' }),
      () => trpc.users.byCompanyId.query({ companyId: 'MA0001' }),
    ];
    for (const call of calls) {
      expect(await errorDataOf(call())).toMatchObject({ code: 'UNAUTHORIZED', reason: 'session_ended' });
    }
    expect(await trpc.session.validate.query()).toEqual({ valid: false });
    expect(test.authService.count()).toBe(calls.length + 1);
    expect(pathsOf(test.authService)).not.toContain('/staff/login/');
    expect(browser.setCookies).toEqual([]);
  });

  it('the BFF reports auth_service_contract if an HTML page comes with status 200', async () => {
    await using test = await startDeployed();
    test.authService.fault('*', { kind: 'body', body: '<html>Sign in</html>', contentType: 'text/html' });
    const browser = await test.as(technician);
    expect(await reasonOf(browser.trpc.users.byId.query({ id: 5 }))).toBe('auth_service_contract');
    expect(await reasonOf(browser.trpc.session.validate.query())).toBe('auth_service_contract');
  });
});

describe('behaviour 2: staff tokens are read only from the cookie, and a Django session cookie removes some of their roles', () => {
  it('the BFF forwards a Bearer token in the cookie, and no other cookie', async () => {
    await using test = await startDeployed();
    const { access } = await test.authService.issue(technician);
    const bearer = { authorization: `Bearer ${access}` };
    expect(await sendRequest(test.to('v1/users/profile/'), { headers: bearer })).toMatchObject({ status: 302 });
    const signIn = await sendRequest(test.to('v1/users/login/api/'), { json: { email: 'user@example.com', ...STAFF } });
    const { sessionid = '', csrftoken = '' } = signIn.cookies;
    await fetch(test.to('v1/users/welcome/'), {
      method: 'POST',
      redirect: 'manual',
      headers: {
        cookie: `access_token=${access}; sessionid=${sessionid}; csrftoken=${csrftoken}`,
        'x-csrftoken': csrftoken,
      },
      body: new URLSearchParams({ system_slug: 'ams' }),
    });
    const cut = await sendRequest(test.to('v1/users/profile/'), { token: access, cookie: `sessionid=${sessionid}` });
    expect(cut.body).toMatchObject({ id: 123, system_roles: [{ system_slug: 'ams' }] });

    const whole = { id: 123, systems: ['TTS', 'AMS'] };
    expect(await test.app.browser({ headers: bearer }).trpc.users.me.query()).toMatchObject(whole);
    const browser = test.holding({ access });
    browser.cookies.set('sessionid', sessionid);
    expect(await browser.trpc.users.me.query()).toMatchObject(whole);
  });
});

describe('behaviour 3: every path needs its trailing slash', () => {
  it('every upstream request of the BFF has it', async () => {
    await using test = await startDeployed();
    const { access } = await test.authService.issue(technician);
    const get = await sendRequest(`${test.to('v1/tts/round-robin')}?role_name=Technician`, { token: access });
    expect([get.status, get.headers.get('location')]).toEqual([302, '/api/v1/tts/round-robin/']);
    const post = await sendRequest(test.to('v1/tts/users-info'), { token: access, json: { employee_cookie_ids: [1] } });
    expect(post.status).toBe(403);

    test.authService.resetCalls();
    for (const credentials of [
      { email: 'user@example.com', ...STAFF, as: 'staff' },
      { email: 'alice.navarro@partners.example.com', ...EMPLOYEE, as: 'employee' },
    ] as const) {
      const { trpc } = test.app.browser();
      await trpc.session.login.mutate(credentials);
      await trpc.session.validate.query();
      await trpc.users.me.query();
      await trpc.employees.byId.query({ id: 1 });
      await trpc.session.refresh.mutate();
      await trpc.account.profile.query();
      await trpc.account.updateProfile.mutate({ phoneNumber: '+639171234567' });
      await trpc.account.requestPasswordReset.mutate(credentials);
      const token = '0123456789abcdef';
      const reset = trpc.account.resetPassword.mutate({ token, newPassword: 'another-pass-2', as: credentials.as });
      expect(await reasonOf(reset)).toBe('reset_link_invalid');
      await trpc.account.secondFactor.mutate({ action: 'enable', password: credentials.password });
      const disable = { action: 'disable', password: credentials.password, code: '0000' } as const;
      await trpc.account.secondFactor.mutate(disable).catch(() => {});
      const passwords = { currentPassword: credentials.password, newPassword: 'another-pass-2' };
      await trpc.account.changePassword.mutate(passwords);
      if (credentials.as === 'staff') {
        await trpc.account.secondFactor.mutate({ action: 'requestCode' });
        await trpc.users.byId.query({ id: 5 });
        await trpc.users.byIds.query({ ids: [5, 6] });
        await trpc.users.byRole.query({ system: 'TTS', role: 'Technician' });
        await trpc.users.byCompanyId.query({ companyId: 'MA0001' });
      }
      await trpc.session.logout.mutate();
    }
    test.authService.changePerson({ type: 'staff', id: 6 }, { is_staff: true });
    const admin = await test.as({ type: 'staff', id: 6 });
    for (const system of ['HDTS', 'BMS']) await admin.trpc.users.byRole.query({ system, role: 'Manager' });
    const second = test.app.browser();
    const answer = await second.trpc.session.login.mutate(withSecondFactor);
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    const code = test.authService.lastCode(withSecondFactor.email) ?? '';
    await second.trpc.session.verifyOtp.mutate({ challenge: answer.challenge, code });

    const neverCalled = endpointNames.filter((name) => test.authService.count(name) === 0);
    expect(neverCalled).toEqual([
      'staff-internal',
      // Only if the Auth Service lacks the endpoint that also looks for breached passwords.
      'staff-password-change-older',
      // For browsers.
      'staff-password-reset-page',
      'media',
      // Only for a service account that needs a captcha.
      'staff-token',
      'employee-otp',
      'staff-refresh',
      'employee-refresh',
      'choose-system',
    ]);
    expect(pathsOf(test.authService).filter((path) => path?.endsWith('/') !== true)).toEqual([]);
    expect(test.authService.count('unknown')).toBe(0);
  });
});

describe('behaviour 4: every response closes its connection, and a Cookie header over 8 kB gets a 400', () => {
  it('the BFF makes many sequential and concurrent calls without an error', async () => {
    await using test = await startDeployed();
    const { access } = await test.authService.issue(technician);
    const upstream = await sendRequest(test.to('v1/users/profile/'), { token: access });
    expect(upstream.headers.get('connection')).toBe('close');

    const { trpc } = test.holding({ access });
    for (let id = 1; id <= 20; id += 1) expect((await trpc.users.byId.query({ id })).id).toBe(id);
    const inParallel = Array.from({ length: 60 }, async (_, index) => {
      const { trpc: own } = test.holding({ access });
      return (await own.users.byId.query({ id: (index % 20) + 1 })).id;
    });
    expect(await Promise.all(inParallel)).toEqual(Array.from({ length: 60 }, (_, index) => (index % 20) + 1));
  });

  it('the BFF does not forward cookies of other applications, and rejects a token of more than 8 kB', async () => {
    await using test = await startDeployed();
    const { access } = await test.authService.issue(technician);
    const padding = 'x'.repeat(9_000);
    const upstream = await sendRequest(test.to('v1/users/profile/'), { token: access, cookie: `padding=${padding}` });
    expect(upstream.status).toBe(400);

    const browser = test.holding({ access });
    browser.cookies.set('padding', padding);
    expect(await browser.trpc.users.me.query()).toMatchObject({ id: 123 });

    const nowSeconds = Math.floor(test.clock.now() / 1000);
    const long = (length: number) =>
      craft({
        payload: { user_id: 123, user_type: 'staff', exp: nowSeconds + 900, padding: 'x'.repeat(length) },
        key: signingKey,
      });
    const fits = long(5_900);
    expect(fits.length).toBeGreaterThan(7_900);
    expect(await test.holding({ access: fits }).trpc.users.me.query()).toMatchObject({ id: 123 });
    const tooLong = long(6_200);
    expect(tooLong.length).toBeGreaterThan(8_192);
    await expectNoSession(test, test.holding({ access: tooLong }), 'token_invalid');
  });
});

describe('behaviour 5: a cookie is deleted by setting it to an empty string', () => {
  it.each(['', '""'])('the BFF treats access_token=%s as no token', async (empty) => {
    await using test = await startDeployed();
    const tokens = await test.authService.issue(technician);
    const upstream = await sendRequest(test.to('v1/users/logout/'), { method: 'POST', token: tokens.access });
    expect(upstream.setCookies).toContainEqual(expect.stringMatching(/^access_token="";/));
    expect(upstream.setCookies.join()).not.toMatch(/max-age=0|expires/i);

    await expectNoSession(test, test.holding({ access: empty, refresh: empty }), 'no_token');
    const browser = test.holding({ access: empty, refresh: empty });
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('no_token');
    expect(await reasonOf(test.holding({ access: empty, refresh: tokens.refresh }).trpc.session.me.query())).toBe(
      'token_expired',
    );
    const bearer = test.app.browser({ headers: { authorization: `Bearer ${tokens.access}` } });
    bearer.holdTokens({ access: empty });
    expect((await bearer.trpc.session.me.query()).user.id).toBe(123);
  });

  it('the BFF rejects a refresh that returns an empty cookie, and deletes its own cookies with an expiry', async () => {
    await using test = await startDeployed();
    refreshInto(test, { access_token: '""' });
    const browser = await test.as(technician);
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('auth_service_contract');
    expect(browser.setCookies).toEqual([]);
    await browser.trpc.session.logout.mutate();
    expect(browser.setCookies).toHaveLength(2);
    for (const line of browser.setCookies)
      expect(line).toMatch(/^(access|refresh)_token=;.*(Max-Age=0|Expires=Thu, 01 Jan 1970)/);
  });
});

describe('behaviour 6: the refresh endpoint needs a still-valid access token', () => {
  it('the BFF keeps a session alive as long as it is refreshed before expiry, and no longer', async () => {
    await using test = await startDeployed();
    const { clock } = test;
    const old = await test.authService.issue(technician);
    const browser = test.holding(old);
    for (let round = 0; round < 6; round += 1) {
      const { refreshAt, expiresAt } = await browser.trpc.session.me.query();
      expect(refreshAt.getTime()).toBeLessThan(expiresAt.getTime());
      clock.advance(refreshAt.getTime() - clock.now());
      expect((await browser.trpc.session.refresh.mutate()).expiresAt.getTime()).toBe(
        clock.now() + accessLifetimeMs.deployed,
      );
    }
    const upstream = await sendRequest(test.to('v1/token/refresh/cookie/'), {
      method: 'POST',
      token: old.access,
      cookie: `refresh_token=${old.refresh}`,
    });
    expect(upstream.status).toBe(302);

    clock.advance(accessLifetimeMs.deployed);
    expect(await reasonOf(browser.trpc.users.me.query())).toBe('token_expired');
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('session_ended');
    expect(browser.cookies.size).toBe(0);
  });
});

describe("behaviour 7: one person's token can make the upstream fail", () => {
  const unknownUser: Subject = { type: 'staff', id: 25 };

  it('only that person gets auth_service_unavailable, and the breaker stays closed', async () => {
    await using test = await startDeployed();
    const tokens = await test.authService.issue(unknownUser);
    for (const path of ['v1/tts/user-info/5/', 'v1/users/profile/', 'v1/users/token/validate/']) {
      expect(await sendRequest(test.to(path), { token: tokens.access })).toMatchObject({ status: 500 });
    }

    const broken = test.holding(tokens);
    const person = await test.as(technician);
    await person.trpc.users.byId.query({ id: 12 });
    for (let call = 0; call < 10; call += 1) {
      const data = await errorDataOf(broken.trpc.users.byId.query({ id: 5 }));
      expect(data).toMatchObject({ code: 'SERVICE_UNAVAILABLE', reason: 'auth_service_unavailable' });
      const ready = await fetch(`${test.url}/health/ready`);
      expect(await ready.json()).toMatchObject({ authService: 'up' });
    }
    expect(await person.trpc.status.get.query()).toMatchObject({ authService: 'up' });
    expect((await person.trpc.users.byId.query({ id: 5 })).id).toBe(5);
    expect(await reasonOf(broken.trpc.session.validate.query())).toBe('auth_service_unavailable');
    expect(broken.setCookies).toEqual([]);
  });

  it('an outage of the Auth Service is still detected', async () => {
    await using test = await startDeployed();
    const broken = await test.as(unknownUser);
    expect(await reasonOf(broken.trpc.users.byId.query({ id: 5 }))).toBe('auth_service_unavailable');
    test.authService.fault('*', { kind: 'status', status: 502 });
    for (let call = 0; call < 3; call += 1) await reasonOf(broken.trpc.users.byId.query({ id: 5 }));
    const ready = await fetch(`${test.url}/health/ready`);
    expect(await ready.json()).toMatchObject({ authService: 'down' });
  });
});
