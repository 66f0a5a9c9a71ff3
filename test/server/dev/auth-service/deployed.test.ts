import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import { sendRequest, claimsOf, field, STAFF, start } from './send-request.ts';

const START = Date.UTC(2030, 0, 1);
let time = START;
let service: EmbeddedAuthService;
let staffToken: string;
let employeeToken: string;

type Answer = Awaited<ReturnType<typeof sendRequest>>;

const to = (path: string) => `${service.url}/api/${path}`;
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const refresh = (path: string, access: string, token: string) =>
  sendRequest(to(path), { method: 'POST', token: access, cookie: `refresh_token=${token}` });
const common = 'v1/token/refresh/cookie/';

/** Requests a profile with a `Cookie` header of exactly this many bytes. */
const profileWithCookies = (bytes: number) => {
  const bare = `access_token=${staffToken}; padding=`;
  return sendRequest(to('v1/users/profile/'), { cookie: bare + 'x'.repeat(bytes - bare.length) });
};

/** The parts of a response that a redirect to the login page must match. */
const redirectOf = ({ status, headers, type, text, setCookies }: Answer) => ({
  status,
  location: headers.get('location'),
  type,
  text,
  setCookies,
});
const loginPage = {
  status: 302,
  location: '/staff/login/',
  type: 'text/html; charset=utf-8',
  text: '',
  setCookies: [
    'access_token=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax',
    'refresh_token=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax',
    expect.stringMatching(/^sessionid=\w{32}; .*HttpOnly; Max-Age=1209600; Path=\/; SameSite=Lax$/),
  ],
};

beforeAll(async () => {
  service = await start({ dialect: 'deployed', now: () => time });
});
beforeEach(async () => {
  time = START;
  staffToken = (await service.issue({ type: 'staff', id: 123 })).access;
  employeeToken = (await service.issue({ type: 'employee', id: 1 })).access;
});
afterAll(() => service.close());

const john = {
  id: 123,
  first_name: 'John',
  last_name: 'Doe',
  email: 'user@example.com',
  department: 'IT Operations',
  position: null,
  is_active: true,
  date_joined: expect.stringMatching(/^2019-/),
};

const assignment = {
  assigned_at: expect.any(String),
  last_logged_on: null,
  is_active: true,
};

const johnsProfile = {
  id: 123,
  email: 'user@example.com',
  username: 'john.doe',
  first_name: 'John',
  middle_name: null,
  last_name: 'Doe',
  suffix: null,
  phone_number: '+639184441123',
  company_id: 'MA0001',
  department: 'IT Operations',
  status: 'Approved',
  notified: false,
  is_active: true,
  profile_picture: null,
  date_joined: expect.stringMatching(/^2019-/),
  last_login: null,
  otp_enabled: false,
  system_roles: [
    { id: 1230, system_name: 'Ticket Tracking', system_slug: 'tts', role_name: 'Technician', ...assignment },
    { id: 1231, system_name: 'Asset Management', system_slug: 'ams', role_name: 'User', ...assignment },
  ],
};

const fernando = {
  id: 6,
  email: 'fernando.aquino@partners.example.com',
  username: 'fernando.aquino',
  first_name: 'Fernando',
  middle_name: null,
  last_name: 'Aquino',
  suffix: 'Jr.',
  phone_number: '+639175551222',
  company_id: 'EM0006',
  department: 'Logistics',
  status: 'Approved',
  otp_enabled: false,
  last_login: expect.stringMatching(/^2025-/),
  created_at: expect.stringMatching(/^2022-/),
  updated_at: expect.stringMatching(/^2024-/),
  full_name: 'Fernando Aquino Jr.',
  system_roles: [{ id: 6, system_name: 'Help Desk', system_slug: 'hdts', role_name: 'Employee', ...assignment }],
};

const alice = { id: 1, email: 'alice.navarro@partners.example.com', company_id: 'EM0001' };
const maria = { id: 1, email: 'maria.santos@example.com' };

describe('lookups in the deployed dialect', () => {
  it('user-info returns one user without company id, systems or roles, and 404 for an unknown id', async () => {
    const answer = await sendRequest(to('v1/tts/user-info/123/'), { token: staffToken });
    expect([answer.status, answer.body]).toEqual([200, john]);
    const missing = await sendRequest(to('v1/tts/user-info/9999/'), { token: staffToken });
    expect([missing.status, missing.body]).toEqual([404, { error: 'User not found.' }]);
  });

  it('users-info reads only employee_cookie_ids and returns the known users by id', async () => {
    const json = { employee_cookie_ids: [123, 9999, '5'], user_ids: [1] };
    const answer = await sendRequest(to('v1/tts/users-info/'), { token: staffToken, json });
    expect([answer.status, answer.body]).toEqual([200, { '5': expect.objectContaining({ id: 5 }), '123': john }]);
  });

  it.each([
    [{ user_ids: [1] }, 400],
    [{ employee_cookie_ids: [] }, 400],
    [{ employee_cookie_ids: ['x'] }, 400],
    [{ employee_cookie_ids: [null] }, 500],
  ])('users-info answers the body %o with %i', async (json, status) => {
    expect(await sendRequest(to('v1/tts/users-info/'), { token: staffToken, json })).toMatchObject({ status });
  });

  it.each([
    ['role_name=TECHNICIAN', 200, [1, 5, 12, 23, 31, 123]],
    ['system=AMS&role=User&role_name=Manager', 200, [2, 7, 51, 101]],
    ['role_name=Agent&system=HDTS', 200, []],
    ['system=TTS&role=Technician', 400, { error: 'Either role_id or role_name parameter is required.' }],
  ])('round-robin reads only role_name and always returns TTS users: %s', async (query, status, body) => {
    const answer = await sendRequest(to(`v1/tts/round-robin/?${query}`), { token: staffToken });
    expect([answer.status, answer.body]).toEqual([status, body]);
  });

  it('round-robin and tokens include an inactive role, and only profiles mark it', async () => {
    await using own = await start({ dialect: 'deployed', now: () => time });
    own.changePerson({ type: 'staff', id: 1 }, { roles: [{ system: 'TTS', role: 'Technician', is_active: false }] });
    const { access: token } = await own.issue({ type: 'staff', id: 1 });
    const list = await sendRequest(`${own.url}/api/v1/tts/round-robin/?role_name=Technician`, { token });
    expect(list.body).toContain(1);
    expect(claimsOf(token)).toMatchObject({ roles: [{ system: 'tts', role: 'Technician' }] });
    const profile = await sendRequest(`${own.url}/api/v1/users/profile/`, { token });
    expect(profile.body).toMatchObject({ system_roles: [{ role_name: 'Technician', is_active: false }] });
  });

  it.each([{}, { 'x-api-key': 'another' }] as Record<string, string>[])(
    'the internal endpoint returns the full employee without a valid API key: %o',
    async (headers) => {
      const answer = await sendRequest(to('v1/hdts/employees/internal/6/'), { headers });
      const picture = `${service.url}/media/employees/6.png`;
      expect([answer.status, answer.body]).toEqual([200, { ...fernando, profile_picture: picture }]);
      const missing = await sendRequest(to('v1/hdts/employees/internal/999/'), { headers });
      expect([missing.status, missing.body]).toEqual([404, { error: 'Employee not found' }]);
    },
  );

  it('users/internal returns the names of a user without credentials and without is_active', async () => {
    const answer = await sendRequest(to('v1/users/internal/8/'));
    const names = { username: 'beatrice.lang', first_name: 'Beatrice', last_name: 'Lang', full_name: 'Beatrice Lang' };
    expect([answer.status, answer.body]).toEqual([200, { id: 8, email: 'beatrice.lang@example.com', ...names }]);
    const missing = await sendRequest(to('v1/users/internal/9999/'));
    expect([missing.status, missing.body]).toEqual([404, { error: 'User not found' }]);
  });

  it('token/validate returns the profile of the caller', async () => {
    const answer = await sendRequest(to('v1/users/token/validate/'), { token: staffToken });
    expect(answer.body).toEqual({ ...johnsProfile, token_validated_at: '2030-01-01T00:00:00.000Z' });
  });

  it('the profile endpoints return the profile of the caller', async () => {
    expect((await sendRequest(to('v1/users/profile/'), { token: staffToken })).body).toEqual(johnsProfile);
    expect(await sendRequest(to('v1/hdts/employees/api/profile/'), { token: employeeToken })).toMatchObject({
      body: alice,
    });
  });

  it('/api/me/ returns the type of the caller by cookie, by Bearer, and by Bearer with an invalid cookie', async () => {
    const staff = { body: { type: 'user', data: johnsProfile } };
    const employee = { body: { type: 'employee', data: alice } };
    expect(await sendRequest(to('me/'), { token: staffToken })).toMatchObject(staff);
    expect(await sendRequest(to('me/'), bearer(staffToken))).toMatchObject(staff);
    expect(await sendRequest(to('me/'), { token: 'bad', ...bearer(staffToken) })).toMatchObject(staff);
    expect(await sendRequest(to('me/'), { token: employeeToken })).toMatchObject(employee);
    expect(await sendRequest(to('me/'), bearer(employeeToken))).toMatchObject(employee);
  });

  it.each([
    ['no token', {}, { detail: 'Authentication credentials were not provided.' }],
    ['a bad cookie', { token: 'bad' }, { code: 'token_not_valid' }],
    ['a bad Bearer', { headers: { authorization: 'Bearer bad' } }, { code: 'token_not_valid' }],
  ])('/api/me/ answers a JSON 401 to %s', async (_name, options, body) => {
    const answer = await sendRequest(to('me/'), options);
    expect(answer).toMatchObject({ status: 401, type: 'application/json', body });
  });

  it('by-company returns the staff user, or the employee with the employee id', async () => {
    const staff = await sendRequest(to('v1/users/profile/by-company/MA0001/'), { token: staffToken });
    expect(staff.body).toEqual(johnsProfile);
    const employee = await sendRequest(to('v1/users/profile/by-company/EM0001/'), { token: staffToken });
    expect(employee.body).toMatchObject(alice);
    const missing = await sendRequest(to('v1/users/profile/by-company/ZZ/'), { token: staffToken });
    expect([missing.status, missing.body]).toEqual([404, { detail: 'User with company_id ZZ not found.' }]);
  });
});

const guarded: Array<[method: string, path: string]> = [
  ['GET', 'v1/tts/user-info/123/'],
  ['POST', 'v1/tts/users-info/'],
  ['GET', 'v1/tts/round-robin/?role_name=Technician'],
  ['GET', 'v1/users/list/'],
  ['GET', 'v1/system-roles/systems/tts/users/'],
  ['GET', 'v1/hdts/user-management/users/api/'],
  ['GET', 'v1/users/token/validate/'],
  ['GET', 'v1/users/profile/'],
  ['GET', 'v1/hdts/employees/api/profile/'],
  ['GET', 'v1/users/profile/by-company/MA0001/'],
  ['POST', 'v1/users/2fa/request-otp-authenticated/'],
  ['POST', 'v1/hdts/employees/api/2fa/verify-otp/'],
  ['POST', 'v1/token/refresh/cookie/'],
  ['POST', 'v1/users/token/refresh/'],
  ['POST', 'v1/hdts/employees/api/token/refresh/'],
  ['POST', 'v1/users/logout/'],
  ['POST', 'v1/hdts/employees/api/logout/'],
  ['GET', 'v1/nowhere/'],
  // A public path without its trailing slash is not public.
  ['POST', 'v1/users/login/api'],
];

describe('the middleware of the deployed dialect', () => {
  it.each(guarded)(
    '%s %s without a valid token redirects to the login page and deletes both token cookies',
    async (...at) => {
      const [method, path] = at;
      expect(redirectOf(await sendRequest(to(path), { method }))).toEqual(loginPage);
      expect(redirectOf(await sendRequest(to(path), { method, token: 'bad' }))).toEqual(loginPage);
      expect(redirectOf(await sendRequest(to(path), { method, ...bearer(staffToken) }))).toEqual(loginPage);
      time += 300_000;
      expect(redirectOf(await sendRequest(to(path), { method, token: staffToken }))).toEqual(loginPage);
    },
  );

  it.each([
    ['POST', 'v1/users/login/api/', 400],
    ['POST', 'v1/users/login/verify-otp/', 400],
    ['POST', 'v1/hdts/employees/api/login/', 400],
    ['GET', 'v1/users/internal/1/', 200],
    ['GET', 'v1/hdts/employees/internal/1/', 200],
    ['GET', 'me/', 401],
  ] as const)('%s %s is public', async (method, path, status) => {
    const answer = await sendRequest(to(path), method === 'POST' ? { json: {} } : {});
    expect([answer.status, answer.type]).toEqual([status, 'application/json']);
  });

  it('the login page is HTML', async () => {
    const response = await fetch(to('v1/users/profile/'));
    expect([response.status, response.redirected, response.url]).toEqual([200, true, `${service.url}/staff/login/`]);
    expect(response.headers.get('content-type')).toMatch('text/html');
    expect(await response.text()).toMatch('<!doctype html>');
  });

  it('the middleware accepts a Bearer token of an employee and ignores one of staff', async () => {
    expect(await sendRequest(to('v1/hdts/employees/api/profile/'), bearer(employeeToken))).toMatchObject({
      body: alice,
    });
    expect(await sendRequest(to('v1/tts/user-info/123/'), bearer(employeeToken))).toMatchObject({
      status: 200,
      body: john,
    });
    expect(await sendRequest(to('v1/users/profile/'), bearer(staffToken))).toMatchObject({ status: 302 });
  });

  it.each([
    ['GET', 'v1/hdts/employees/api/profile/'],
    ['POST', 'v1/hdts/employees/api/2fa/verify-otp/'],
    ['POST', 'v1/hdts/employees/api/token/refresh/'],
    ['POST', 'v1/hdts/employees/api/logout/'],
    ['GET', 'v1/hdts/employees/'],
  ])('%s %s redirects staff to their settings page', async (method, path) => {
    const answer = await sendRequest(to(path), { method, token: staffToken });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/staff/settings/profile/']);
    expect(answer.setCookies).toEqual([]);
  });

  it('without trailing slash, GET redirects without its query and POST fails with 403', async () => {
    const get = await sendRequest(to('v1/tts/round-robin?role_name=Technician'), { token: staffToken });
    expect([get.status, get.headers.get('location')]).toEqual([302, '/api/v1/tts/round-robin/']);
    const post = await sendRequest(to('v1/tts/users-info'), { token: staffToken, json: { employee_cookie_ids: [1] } });
    expect([post.status, post.type]).toEqual([403, 'text/html; charset=utf-8']);
  });

  it('an unknown path gets a 404 page, and another method gets 405', async () => {
    const nowhere = await sendRequest(to('v1/nowhere/'), { token: staffToken });
    expect([nowhere.status, nowhere.type]).toEqual([404, 'text/html; charset=utf-8']);
    const wrong = await sendRequest(to(common), { token: staffToken });
    expect([wrong.status, wrong.body]).toEqual([405, { detail: 'Method "GET" not allowed.' }]);
  });

  it('a browser gets an HTML page, and other clients get JSON', async () => {
    const page = await sendRequest(to('v1/users/profile/'), { token: staffToken, headers: { accept: 'text/html' } });
    expect([page.status, page.type]).toEqual([200, 'text/html; charset=utf-8']);
    const json = await sendRequest(to('v1/users/profile/'), {
      token: staffToken,
      headers: { accept: 'application/json' },
    });
    expect(json.type).toBe('application/json');
  });

  it.each(['v1/tts/user-info/123/', 'v1/tts/user-info/9999/', 'v1/users/logout/', 'v1/nowhere/', 'v1/users/profile'])(
    'the service closes the connection after %s',
    async (path) => {
      const answer = await sendRequest(to(path), { token: staffToken });
      expect(answer.headers.get('connection')).toBe('close');
    },
  );

  it('more than 8 kB of cookies get 400', async () => {
    expect(await profileWithCookies(8192)).toMatchObject({ status: 200 });
    expect(await profileWithCookies(8193)).toMatchObject({ status: 400, type: 'text/html; charset=utf-8' });
  });

  it.each([
    ['GET', 'v1/tts/user-info/123/'],
    ['GET', 'me/'],
    ['POST', 'v1/users/login/api/'],
    ['POST', 'v1/users/logout/'],
    ['GET', 'v1/nowhere/'],
  ])('%s %s answers 500 to the token of an unknown staff id', async (method, path) => {
    const { access } = await service.issue({ type: 'staff', id: 9999 });
    const answer = await sendRequest(to(path), { method, token: access });
    expect([answer.status, answer.type]).toEqual([500, 'text/html; charset=utf-8']);
    expect(await sendRequest(to('v1/users/profile/'), { token: staffToken })).toMatchObject({ status: 200 });
  });

  it('the system chosen in the Django session filters all roles, and a sessionid alone does not authenticate', async () => {
    const signedIn = await sendRequest(to('v1/users/login/api/'), { json: { email: 'user@example.com', ...STAFF } });
    const { sessionid, csrftoken = '' } = signedIn.cookies;
    const cookie = `sessionid=${sessionid}; csrftoken=${csrftoken}`;
    const choose = (headers: Record<string, string>) => {
      const body = new URLSearchParams({ system_slug: 'ams' });
      return fetch(to('v1/users/welcome/'), {
        method: 'POST',
        redirect: 'manual',
        body,
        headers: { cookie: `access_token=${staffToken}; ${cookie}`, ...headers },
      });
    };
    expect((await choose({})).status).toBe(403);
    expect((await choose({ 'x-csrftoken': csrftoken })).status).toBe(302);
    for (const path of ['v1/users/profile/', 'v1/users/token/validate/']) {
      const cut = await sendRequest(to(path), { token: staffToken, cookie });
      expect(cut.body).toMatchObject({ id: 123, system_roles: [{ system_slug: 'ams' }] });
    }
    expect(redirectOf(await sendRequest(to('v1/users/profile/'), { cookie }))).toEqual(loginPage);
    expect((await sendRequest(to('v1/users/profile/'), { token: staffToken, cookie })).body).toEqual(johnsProfile);
  });
});

describe('refresh in the deployed dialect', () => {
  it.each([
    ['staff', 'user'],
    ['employee', 'employee'],
  ] as const)(
    'refresh returns a new access cookie to %s and does not rotate the refresh token',
    async (type, user_type) => {
      const pair = await service.issue({ type, id: 1 });
      time += 60_000;
      const answer = await refresh(common, pair.access, pair.refresh);
      const body = { message: 'Token refreshed successfully', user_type, expires_in: 300 };
      expect([answer.status, answer.body]).toEqual([200, body]);
      expect(answer.setCookies).toEqual([
        expect.stringMatching(/^access_token=[\w.-]+; expires=.* GMT; HttpOnly; Max-Age=300; Path=\/; SameSite=Lax$/),
      ]);
      const iat = time / 1000;
      expect(claimsOf(answer.cookies.access_token)).toMatchObject({ user_id: 1, user_type: type, iat, exp: iat + 300 });
      expect(await refresh(common, pair.access, pair.refresh)).toMatchObject({ status: 200 });
    },
  );

  it('refresh needs a valid access token, which may belong to another person', async () => {
    const own = await service.issue({ type: 'staff', id: 123 });
    const ethan = await service.issue({ type: 'staff', id: 2 });
    const employee = await service.issue({ type: 'employee', id: 1 });
    for (const { access } of [own, ethan, employee]) {
      const { cookies } = await refresh(common, access, own.refresh);
      expect(claimsOf(cookies.access_token)).toMatchObject({ user_id: 123, user_type: 'staff' });
    }
    const ofEmployee = await refresh(common, own.access, employee.refresh);
    expect(claimsOf(ofEmployee.cookies.access_token)).toMatchObject({ employee_id: 1, user_type: 'employee' });
    expect(
      redirectOf(await sendRequest(to(common), { method: 'POST', cookie: `refresh_token=${own.refresh}` })),
    ).toEqual(loginPage);
    time += 300_000;
    expect(redirectOf(await refresh(common, own.access, own.refresh))).toEqual(loginPage);
  });

  it('refresh names the error of the refresh token', async () => {
    const pair = await service.issue({ type: 'staff', id: 123 });
    time += 7 * 24 * 60 * 60 * 1000;
    const { access } = await service.issue({ type: 'staff', id: 123 });
    const detailOf = async (token: string) => {
      const { status, body } = await refresh(common, access, token);
      expect(status).toBe(401);
      return field(body, 'detail');
    };
    expect(await detailOf('')).toBe('No refresh token in cookies');
    expect(await detailOf('bad')).toBe('Invalid refresh token');
    expect(await detailOf(pair.refresh)).toBe('Refresh token has expired');
    expect(await detailOf(access)).toBe('Invalid token type');
  });

  it('the older staff refresh answers 500 to an invalid token, does not rotate, and sets a cookie without HttpOnly', async () => {
    const pair = await service.issue({ type: 'staff', id: 123 });
    const older = 'v1/users/token/refresh/';
    const bad = await refresh(older, pair.access, 'bad');
    expect([bad.status, bad.type]).toEqual([500, 'text/html; charset=utf-8']);
    const answer = await refresh(older, pair.access, pair.refresh);
    expect(answer.body).toEqual({ message: 'Token refreshed successfully', expires_in: 300 });
    expect(Object.keys(answer.cookies)).toEqual(['access_token']);
    expect(answer.setCookies.join()).not.toContain('HttpOnly');
    expect(await refresh(older, pair.access, pair.refresh)).toMatchObject({ status: 200 });
  });

  it('the older employee refresh returns the token in the body and in a cookie that outlives it', async () => {
    const older = 'v1/hdts/employees/api/token/refresh/';
    const employee = await service.issue({ type: 'employee', id: 1 });
    const answer = await refresh(older, employee.access, employee.refresh);
    expect(answer.body).toEqual({ access: answer.cookies.access_token });
    expect(answer.setCookies).toEqual([
      expect.stringMatching(/; HttpOnly; Max-Age=900; Path=\/; SameSite=Strict; Secure$/),
    ]);
    const claims = claimsOf(field(answer.body, 'access'));
    expect(claims).toMatchObject({ user_type: 'employee', employee_id: 1, exp: START / 1000 + 300 });
    for (const [token, detail] of [
      ['', 'Refresh token not found'],
      ['bad', 'Invalid refresh token'],
      [(await service.issue({ type: 'staff', id: 1 })).refresh, 'Invalid refresh token'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- three requests
      expect(await refresh(older, employee.access, token)).toMatchObject({ status: 401, body: { detail } });
    }
  });

  it.each([
    ['staff', 'v1/users/logout/', 'Logout successful'],
    ['employee', 'v1/hdts/employees/api/logout/', 'Successfully logged out'],
  ] as const)('sign-out of %s at %s empties the cookies and revokes no token', async (type, path, message) => {
    const pair = await service.issue({ type, id: 1 });
    const answer = await sendRequest(to(path), { method: 'POST', token: pair.access });
    expect([answer.status, answer.body]).toEqual([200, { message }]);
    expect(answer.setCookies).toEqual([
      'access_token=""; Path=/; SameSite=Lax',
      'refresh_token=""; Path=/; SameSite=Lax',
    ]);
    expect(await refresh(common, pair.access, pair.refresh)).toMatchObject({ status: 200 });
  });
});

describe('upstream vulnerabilities of the deployed dialect', () => {
  it('a token issued before the second factor has full access', async () => {
    const { access } = await service.issue({ type: 'staff', id: 7 }, { temp_otp_login: true, otp_required: true });
    expect(await sendRequest(to('v1/users/profile/'), { token: access })).toMatchObject({
      status: 200,
      body: { id: 7 },
    });
  });

  it.each(['v1/users/profile/', 'v1/users/token/validate/', 'v1/tts/user-info/1/'])(
    '%s treats an employee as the staff user with the same id',
    async (path) => {
      const answer = await sendRequest(to(path), { token: employeeToken });
      expect(answer.body).toMatchObject(maria);
    },
  );

  it('the older staff refresh exchanges an employee’s refresh token for a staff token', async () => {
    const pair = await service.issue({ type: 'employee', id: 1 });
    const answer = await refresh('v1/users/token/refresh/', pair.access, pair.refresh);
    expect(claimsOf(answer.cookies.access_token)).toMatchObject({ user_type: 'staff', user_id: 1 });
  });

  it('an employee’s refresh token is accepted as an access token, and a staff refresh token is not', async () => {
    const employee = await service.issue({ type: 'employee', id: 1 });
    const staff = await service.issue({ type: 'staff', id: 1 });
    time += 6 * 24 * 60 * 60 * 1000;
    expect((await sendRequest(to('me/'), { token: employee.refresh })).body).toMatchObject({
      type: 'employee',
      data: alice,
    });
    const profile = await sendRequest(to('v1/hdts/employees/api/profile/'), { token: employee.refresh });
    expect(profile.body).toMatchObject(alice);
    expect(await refresh(common, employee.refresh, employee.refresh)).toMatchObject({ status: 200 });
    expect(await sendRequest(to('me/'), { token: staff.refresh })).toMatchObject({ status: 401 });
    expect(redirectOf(await sendRequest(to('v1/users/profile/'), { token: staff.refresh }))).toEqual(loginPage);
    expect(redirectOf(await refresh(common, staff.refresh, staff.refresh))).toEqual(loginPage);
  });
});
