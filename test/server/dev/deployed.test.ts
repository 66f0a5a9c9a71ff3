import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedAuthService } from '../../../server/dev/auth-service.ts';
import { ask, claimsOf, EMPLOYEE, field, STAFF, start } from './ask.ts';

const START = Date.UTC(2030, 0, 1);
let time = START;
let service: EmbeddedAuthService;
let staffToken: string;
let employeeToken: string;

const to = (path: string) => `${service.url}/api/${path}`;
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const signIn = (json: unknown) => ask(to('v1/users/login/api/'), { json });
const finish = (json: unknown) => ask(to('v1/users/login/verify-otp/'), { json });
const refresh = (path: string, access: string, token: string) =>
  ask(to(path), { method: 'POST', token: access, cookie: `refresh_token=${token}` });

/** With a `Cookie` header of exactly this many bytes. */
const profileWithCookies = (bytes: number) => {
  const bare = `access_token=${staffToken}; padding=`;
  return ask(to('v1/users/profile/'), { cookie: bare + 'x'.repeat(bytes - bare.length) });
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
  position: 'Technician I',
  is_active: true,
  date_joined: expect.stringMatching(/^2019-/),
};

const johnsProfile = {
  ...john,
  company_id: 'MA0001',
  system_roles: [
    expect.objectContaining({ system_slug: 'tts', role_name: 'Technician', is_active: true }),
    expect.objectContaining({ system_slug: 'ams', role_name: 'User', is_active: true }),
  ],
};

const alice = { id: 1, email: 'alice.navarro@partners.example.com', company_id: 'EM0001' };

describe('lookups in the deployed dialect', () => {
  it('answers one user without company id, systems or roles, and 404 for nobody', async () => {
    const answer = await ask(to('v1/tts/user-info/123/'), { token: staffToken });
    expect([answer.status, answer.body]).toEqual([200, john]);
    const missing = await ask(to('v1/tts/user-info/9999/'), { token: staffToken });
    expect([missing.status, missing.body]).toEqual([404, { error: 'User not found.' }]);
  });

  it('answers many users of employee_cookie_ids alone, keyed by id, without the unknown', async () => {
    const json = { employee_cookie_ids: [123, 9999], user_ids: [1] };
    const answer = await ask(to('v1/tts/users-info/'), { token: staffToken, json });
    expect([answer.status, answer.body]).toEqual([200, { '123': john }]);
  });

  it.each([{ user_ids: [1] }, { employee_cookie_ids: [] }])('answers 400 to %o', async (json) => {
    expect(await ask(to('v1/tts/users-info/'), { token: staffToken, json })).toMatchObject({ status: 400 });
  });

  it.each([
    ['role_name=TECHNICIAN', 200, [1, 5, 12, 23, 31, 123]],
    ['system=AMS&role=User&role_name=Manager', 200, [2, 7, 51, 101]],
    ['role_name=Agent&system=HDTS', 200, []],
    ['system=TTS&role=Technician', 400, { error: 'role_name is required.' }],
  ])('answers users by role, of TTS whatever is asked: %s', async (query, status, body) => {
    const answer = await ask(to(`v1/tts/round-robin/?${query}`), { token: staffToken });
    expect([answer.status, answer.body]).toEqual([status, body]);
  });

  it.each([{}, { 'x-api-key': 'another' }] as Record<string, string>[])(
    'answers all of an employee to anybody: %o',
    async (headers) => {
      const answer = await ask(to('v1/hdts/employees/internal/6/'), { headers });
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({
        id: 6,
        email: 'fernando.aquino@partners.example.com',
        username: 'fernando.aquino',
        first_name: 'Fernando',
        middle_name: null,
        last_name: 'Aquino',
        suffix: 'Jr.',
        full_name: 'Fernando Aquino Jr.',
        phone_number: '+639175551222',
        company_id: 'EM0006',
        department: 'Logistics',
        profile_picture: '/media/employees/6.png',
        status: 'Approved',
        system_roles: [{ system_slug: 'hdts', role_name: 'Employee', is_active: true }],
        created_at: expect.stringMatching(/^2022-/),
        updated_at: expect.stringMatching(/^2024-/),
        last_login: expect.stringMatching(/^2025-/),
      });
    },
  );

  it('validates with the profile of the caller', async () => {
    const answer = await ask(to('v1/users/token/validate/'), { token: staffToken });
    expect(answer.body).toMatchObject({ ...johnsProfile, token_validated_at: '2030-01-01T00:00:00.000Z' });
  });

  it('answers profiles', async () => {
    expect(await ask(to('v1/users/profile/'), { token: staffToken })).toMatchObject({ body: johnsProfile });
    expect(await ask(to('v1/hdts/employees/api/profile/'), { token: employeeToken })).toMatchObject({ body: alice });
    expect(await ask(to('v1/hdts/employees/api/profile/'), { token: staffToken })).toMatchObject({ status: 403 });
  });

  it('tells employees from staff at /api/me/, by cookie or by Bearer', async () => {
    const staff = { body: { type: 'user', data: johnsProfile } };
    const employee = { body: { type: 'employee', data: alice } };
    expect(await ask(to('me/'), { token: staffToken })).toMatchObject(staff);
    expect(await ask(to('me/'), bearer(staffToken))).toMatchObject(staff);
    expect(await ask(to('me/'), { token: employeeToken })).toMatchObject(employee);
    expect(await ask(to('me/'), bearer(employeeToken))).toMatchObject(employee);
  });

  it.each([
    ['no token', {}, { detail: 'Authentication credentials were not provided.' }],
    ['a bad cookie', { token: 'bad' }, { code: 'token_not_valid' }],
    ['a bad Bearer', { headers: { authorization: 'Bearer bad' } }, { code: 'token_not_valid' }],
  ])('answers a JSON 401 at /api/me/ to %s', async (_what, asked, body) => {
    const answer = await ask(to('me/'), asked);
    expect(answer).toMatchObject({ status: 401, type: 'application/json', body });
  });

  it('answers by company id the staff user, or else the employee with the employee’s own number', async () => {
    const staff = await ask(to('v1/users/profile/by-company/MA0001/'), { token: staffToken });
    expect(staff.body).toMatchObject(johnsProfile);
    const employee = await ask(to('v1/users/profile/by-company/EM0001/'), { token: staffToken });
    expect(employee.body).toMatchObject(alice);
    expect(await ask(to('v1/users/profile/by-company/ZZ1/'), { token: staffToken })).toMatchObject({ status: 404 });
  });
});

const guarded = [
  'v1/tts/user-info/123/',
  'v1/tts/round-robin/?role_name=Technician',
  'v1/users/token/validate/',
  'v1/users/profile/',
  'v1/hdts/employees/api/profile/',
  'v1/users/profile/by-company/MA0001/',
];

describe('behaviour to be ready for, in the deployed dialect', () => {
  it.each(guarded)('1. redirects to a login page without a good token: %s', async (path) => {
    time += 900_000;
    const answers = await Promise.all([
      ask(to(path)),
      ask(to(path), { token: 'bad' }),
      ask(to(path), { token: staffToken }),
    ]);
    for (const { status, headers } of answers) expect([status, headers.get('location')]).toEqual([302, '/login/']);
  });

  it('1. serves HTML to who follows the redirect', async () => {
    const response = await fetch(to('v1/users/profile/'));
    expect([response.status, response.redirected, response.url]).toEqual([200, true, `${service.url}/login/`]);
    expect(response.headers.get('content-type')).toMatch('text/html');
    expect(await response.text()).toMatch('<!doctype html>');
  });

  it('1. redirects a POST too', async () => {
    const answer = await ask(to('v1/tts/users-info/'), { json: { employee_cookie_ids: [1] } });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/login/']);
  });

  it('2. does not see Bearer', async () => {
    expect(await ask(to('v1/users/profile/'), bearer(staffToken))).toMatchObject({ status: 302 });
  });

  it('2. answers as somebody else when a sessionid is forwarded', async () => {
    const maria = await ask(to('v1/users/login/api/'), { json: { email: 'maria.santos@example.com', ...STAFF } });
    const cookie = `sessionid=${maria.cookies.sessionid}`;
    const asked = { token: staffToken, cookie };
    expect(await ask(to('v1/users/profile/'), asked)).toMatchObject({ body: { id: 1 } });
    await ask(to('v1/users/logout/'), { method: 'POST', cookie });
    expect(await ask(to('v1/users/profile/'), asked)).toMatchObject({ body: { id: 123 } });
  });

  it('3. needs the trailing slash: GET loses its query, POST fails, and the rest is not found', async () => {
    const get = await ask(to('v1/tts/round-robin?role_name=Technician'), { token: staffToken });
    expect([get.status, get.headers.get('location')]).toEqual([301, '/api/v1/tts/round-robin/']);
    const post = await ask(to('v1/tts/users-info'), { token: staffToken, json: { employee_cookie_ids: [1] } });
    expect([post.status, post.type]).toEqual([500, 'text/html; charset=utf-8']);
    const nowhere = await ask(to('v1/nowhere'), { token: staffToken });
    expect([nowhere.status, nowhere.type]).toEqual([404, 'text/html; charset=utf-8']);
  });

  it.each(['v1/tts/user-info/123/', 'v1/tts/user-info/9999/', 'v1/users/logout/', 'v1/nowhere/', 'v1/users/profile'])(
    '4. closes the connection after %s',
    async (path) => {
      const answer = await ask(to(path), { token: staffToken });
      expect(answer.headers.get('connection')).toBe('close');
    },
  );

  it('4. answers 400 to more than 8 kB of cookies', async () => {
    expect(await profileWithCookies(8192)).toMatchObject({ status: 200 });
    expect(await profileWithCookies(8193)).toMatchObject({ status: 400, type: 'text/html; charset=utf-8' });
  });

  it.each(['v1/users/logout/', 'v1/hdts/employees/api/logout/'])(
    '5. deletes cookies by emptying them: %s',
    async (path) => {
      const answer = await ask(to(path), { method: 'POST', token: staffToken });
      expect(answer.status).toBe(200);
      expect(answer.setCookies).toEqual([
        'access_token=""; Path=/; SameSite=Lax',
        'refresh_token=""; Path=/; SameSite=Lax',
      ]);
    },
  );

  it('6. refreshes only beside a still-valid access token', async () => {
    const pair = await service.issue({ type: 'staff', id: 123 });
    const cookie = `refresh_token=${pair.refresh}`;
    const url = to('v1/token/refresh/cookie/');
    expect(await ask(url, { method: 'POST', token: pair.access, cookie })).toMatchObject({ status: 200 });
    expect(await ask(url, { method: 'POST', cookie })).toMatchObject({ status: 302 });
    time += 900_000;
    expect(await ask(url, { method: 'POST', token: pair.access, cookie })).toMatchObject({ status: 302 });
  });

  it.each([
    ['GET', 'v1/tts/user-info/123/'],
    ['GET', 'me/'],
    ['POST', 'v1/users/login/api/'],
    ['POST', 'v1/users/logout/'],
    ['GET', 'v1/nowhere/'],
  ])('7. fails for a token whose user has no staff row: %s %s', async (method, path) => {
    const { access } = await service.issue({ type: 'staff', id: 9999 });
    const answer = await ask(to(path), { method, token: access });
    expect([answer.status, answer.type]).toEqual([500, 'text/html; charset=utf-8']);
    expect(await ask(to('v1/users/profile/'), { token: staffToken })).toMatchObject({ status: 200 });
  });
});

describe('sign-in in the deployed dialect', () => {
  it('puts the tokens of staff into the body, and no JWT into cookies', async () => {
    const answer = await signIn({ email: 'user@example.com', ...STAFF });
    const { system_roles, ...user } = johnsProfile;
    expect(answer).toMatchObject({ status: 200, body: { success: true, user, system_roles } });
    expect(claimsOf(field(answer.body, 'access_token'))).toMatchObject({ token_type: 'access', user_id: 123 });
    expect(claimsOf(field(answer.body, 'refresh_token'))).toMatchObject({ token_type: 'refresh', user_id: 123 });
    expect(Object.keys(answer.cookies)).toEqual(['sessionid', 'csrftoken']);
  });

  it.each([
    ['user@example.com', 'wrong', 'Invalid email or password.'],
    ['nobody@example.com', 'wrong', 'Invalid email or password.'],
    ['oluwaseun.adeyemi@example.com', STAFF.password, expect.stringMatching(/^Account is locked/)],
    ['beatrice.lang@example.com', STAFF.password, 'This account is inactive.'],
    ['hana.kobayashi@example.com', STAFF.password, 'Captcha verification required.'],
  ])('refuses staff by 400 and a text: %s %s %s', async (email, password, text) => {
    const answer = await signIn({ email, password });
    expect([answer.status, answer.body]).toEqual([400, { success: false, errors: { non_field_errors: [text] } }]);
  });

  it('names the field that is missing', async () => {
    const answer = await signIn({ email: 'user@example.com' });
    expect(answer.body).toEqual({ success: false, errors: { password: ['This field is required.'] } });
  });

  it('signs employees in by body and by cookies that scripts can read', async () => {
    const url = to('v1/hdts/employees/api/login/');
    const answer = await ask(url, { json: { email: alice.email, ...EMPLOYEE } });
    expect(answer.body).toMatchObject({ success: true, employee: alice });
    expect(answer.cookies).toEqual({
      access_token: field(answer.body, 'access'),
      refresh_token: field(answer.body, 'refresh'),
    });
    expect(answer.setCookies.join()).not.toContain('HttpOnly');
    const wrong = await ask(url, { json: { email: alice.email, password: 'wrong' } });
    expect([wrong.status, wrong.body]).toEqual([400, { non_field_errors: ['Invalid email or password.'] }]);
  });

  it('asks staff for a second factor with a temporary token, and signs in by the two', async () => {
    const email = 'rafael.domingo@example.com';
    const first = await signIn({ email, ...STAFF });
    expect(first).toMatchObject({ status: 200, body: { success: false, otp_required: true }, setCookies: [] });
    const temporary_token = field(first.body, 'temporary_token');
    expect(claimsOf(temporary_token)).toMatchObject({ user_id: 7, temp_otp_login: true, otp_required: true });
    const otp_code = service.lastCode(email);
    expect(await finish({ email, otp_code })).toMatchObject({
      status: 400,
      body: { errors: { temporary_token: [expect.any(String)] } },
    });
    const { access } = await service.issue({ type: 'staff', id: 7 });
    expect(await finish({ temporary_token: access, otp_code })).toMatchObject({ status: 400 });
    const wrong = await finish({ temporary_token, otp_code: otp_code === '000000' ? '000001' : '000000' });
    expect([wrong.status, wrong.body]).toEqual([400, { success: false, errors: { otp_code: ['Invalid OTP code.'] } }]);
    const done = await finish({ temporary_token, otp_code });
    expect(done).toMatchObject({ status: 200, body: { success: true, user: { id: 7 } } });
    expect(claimsOf(field(done.body, 'access_token'))).not.toHaveProperty('temp_otp_login');
  });

  it('takes no second-factor code after ten minutes', async () => {
    const email = 'rafael.domingo@example.com';
    const { body } = await signIn({ email, ...STAFF });
    const temporary_token = field(body, 'temporary_token');
    time += 600_000;
    const json = { temporary_token, otp_code: service.lastCode(email) };
    expect(await ask(to('v1/users/login/verify-otp/'), { json })).toMatchObject({ status: 400 });
  });

  it('cannot finish the second factor of employees', async () => {
    const email = 'benjamin.strand@partners.example.com';
    const first = await ask(to('v1/hdts/employees/api/login/'), { json: { email, ...EMPLOYEE } });
    expect([first.status, first.body, first.setCookies]).toEqual([200, { requires_otp: true, email }, []]);
    const json = { email, otp_code: service.lastCode(email) };
    const second = await ask(to('v1/hdts/employees/api/2fa/verify-otp/'), { json });
    expect([second.status, second.text, second.setCookies]).toEqual([302, '', []]);
  });
});

describe('refresh in the deployed dialect', () => {
  it.each(['staff', 'employee'] as const)('gives %s a new access cookie and does not rotate', async (user_type) => {
    const pair = await service.issue({ type: user_type, id: 1 });
    time += 60_000;
    const answer = await refresh('v1/token/refresh/cookie/', pair.access, pair.refresh);
    expect([answer.status, answer.body]).toEqual([
      200,
      { message: 'Token refreshed successfully', user_type, expires_in: 900 },
    ]);
    expect(Object.keys(answer.cookies)).toEqual(['access_token']);
    expect(claimsOf(answer.cookies.access_token)).toMatchObject({ user_id: 1, user_type, iat: time / 1000 });
    expect(await refresh('v1/token/refresh/cookie/', pair.access, pair.refresh)).toMatchObject({ status: 200 });
  });

  it.each(['', 'bad'])('answers 401 with a detail to the refresh token "%s"', async (token) => {
    const answer = await refresh('v1/token/refresh/cookie/', staffToken, token);
    expect(answer).toMatchObject({ status: 401, body: { detail: expect.any(String) } });
  });

  it('at the older staff endpoint fails on a bad token, and does not rotate', async () => {
    const { refresh: token } = await service.issue({ type: 'staff', id: 123 });
    const bad = await refresh('v1/users/token/refresh/', '', 'bad');
    expect([bad.status, bad.type]).toEqual([500, 'text/html; charset=utf-8']);
    const answer = await refresh('v1/users/token/refresh/', '', token);
    expect(Object.keys(answer.cookies)).toEqual(['access_token']);
    expect(await refresh('v1/users/token/refresh/', '', token)).toMatchObject({ status: 200 });
  });

  it('at the older employee endpoint answers in the body, and 401 to staff', async () => {
    const path = 'v1/hdts/employees/api/token/refresh/';
    const employee = await service.issue({ type: 'employee', id: 1 });
    const answer = await refresh(path, '', employee.refresh);
    expect([answer.body, answer.setCookies]).toEqual([{ access: expect.any(String) }, []]);
    expect(claimsOf(field(answer.body, 'access'))).toMatchObject({
      user_type: 'employee',
      employee_id: 1,
    });
    const staff = await service.issue({ type: 'staff', id: 1 });
    expect(await refresh(path, '', staff.refresh)).toMatchObject({ status: 401 });
  });
});

describe('holes of the deployed dialect', () => {
  it('lets a token before its second factor do everything', async () => {
    const { access } = await service.issue({ type: 'staff', id: 7 }, { temp_otp_login: true, otp_required: true });
    expect(await ask(to('v1/users/profile/'), { token: access })).toMatchObject({ status: 200, body: { id: 7 } });
  });

  it.each(['v1/users/profile/', 'v1/users/token/validate/'])(
    'takes an employee for the staff user of that number: %s',
    async (path) => {
      const answer = await ask(to(path), { token: employeeToken });
      expect(answer.body).toMatchObject({ id: 1, email: 'maria.santos@example.com' });
    },
  );

  it('turns an employee’s refresh token into a staff token at the older staff endpoint', async () => {
    const pair = await service.issue({ type: 'employee', id: 1 });
    const answer = await refresh('v1/users/token/refresh/', '', pair.refresh);
    expect(claimsOf(answer.cookies.access_token)).toMatchObject({ user_type: 'staff', user_id: 1 });
  });

  it('accepts refresh tokens as access tokens, and the reverse', async () => {
    const pair = await service.issue({ type: 'staff', id: 123 });
    expect(await ask(to('v1/users/profile/'), { token: pair.refresh })).toMatchObject({ status: 200 });
    expect(await refresh('v1/token/refresh/cookie/', pair.access, pair.access)).toMatchObject({ status: 200 });
  });
});
