import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import { WRONG_PASSWORDS_BEFORE_LOCK } from '../../../../server/dev/auth-service/guide/sign-in.ts';
import { apiKey, sendRequest, claimsOf, EMPLOYEE, signingKey, STAFF, start } from './send-request.ts';

const START = Date.UTC(2030, 0, 1);
let time = START;
const logLines: string[] = [];
let service: EmbeddedAuthService;
let staffToken: string;
let employeeToken: string;

const to = (path: string) => `${service.url}/api/${path}`;
const signIn = (json: unknown) => sendRequest(to('v1/users/login/api/'), { json });
const ruth = (password: string) => signIn({ email: 'ruth.abrams@example.com', password });
const ruthFails = (times: number) => Promise.all(Array.from({ length: times }, () => ruth('wrong')));
const refresh = (token: string | undefined, path = 'v1/token/refresh/cookie/') =>
  sendRequest(to(path), { method: 'POST', cookie: `refresh_token=${token}` });

beforeAll(async () => {
  service = await start({ now: () => time, log: (line) => logLines.push(line) });
});
beforeEach(async () => {
  time = START;
  staffToken = (await service.issue({ type: 'staff', id: 123 })).access;
  employeeToken = (await service.issue({ type: 'employee', id: 1 })).access;
});
afterAll(() => service.close());

const john = {
  id: 123,
  email: 'user@example.com',
  first_name: 'John',
  last_name: 'Doe',
  company_id: 'MA0001',
  systems: ['TTS', 'AMS'],
  roles: [
    { system: 'TTS', role: 'Technician' },
    { system: 'AMS', role: 'User' },
  ],
};

describe('lookups in the guide dialect', () => {
  it("user-info returns the guide's example", async () => {
    const answer = await sendRequest(to('v1/tts/user-info/123/'), { token: staffToken });
    expect([answer.status, answer.type]).toEqual([200, 'application/json']);
    expect(answer.body).toEqual(john);
  });

  it('user-info answers 404 for an unknown id and marks inactive users', async () => {
    const missing = await sendRequest(to('v1/tts/user-info/9999/'), { token: staffToken });
    expect([missing.status, missing.body]).toEqual([404, { error: 'User not found.' }]);
    const inactive = await sendRequest(to('v1/tts/user-info/31/'), { token: staffToken });
    expect(inactive.body).toMatchObject({ id: 31, is_active: false });
  });

  it('users-info returns each user once, sorted by id, and lists unknown ids', async () => {
    const json = { user_ids: [123, 9999, 1, 123], employee_cookie_ids: [5] };
    const answer = await sendRequest(to('v1/tts/users-info/'), { token: staffToken, json });
    expect(answer.body).toEqual({ users: [expect.objectContaining({ id: 1 }), john], not_found: [9999] });
  });

  it.each([
    [{ employee_cookie_ids: [1] }, { user_ids: ['This field is required.'] }],
    [{ user_ids: ['x'] }, { user_ids: ['A list of integers is required.'] }],
  ])('users-info answers 400 to the body %o', async (json, body) => {
    const answer = await sendRequest(to('v1/tts/users-info/'), { token: staffToken, json });
    expect([answer.status, answer.body]).toEqual([400, body]);
  });

  it.each([
    ['system=TTS&role=Technician', { user_ids: [1, 5, 12, 23, 31, 123], system: 'TTS', role: 'Technician', count: 6 }],
    ['system=hdts&role=AGENT', { user_ids: [3, 5, 16, 19, 33, 60, 118], system: 'hdts', role: 'AGENT', count: 7 }],
    ['system=HDTS&role=Technician', { user_ids: [] }],
    ['system=XYZ&role=Technician', { user_ids: [] }],
  ])('round-robin returns users by role: %s', async (query, body) => {
    const answer = await sendRequest(to(`v1/tts/round-robin/?${query}`), { token: staffToken });
    expect([answer.status, answer.body]).toEqual([200, body]);
  });

  it('round-robin answers 400 to a role without a system', async () => {
    expect(await sendRequest(to('v1/tts/round-robin/?role=Technician'), { token: staffToken })).toMatchObject({
      status: 400,
    });
  });

  it.each([
    [{ 'x-api-key': apiKey }, '1', 200],
    [{ 'x-api-key': apiKey }, '9999', 404],
    [{ 'x-api-key': 'another' }, '1', 403],
    [{}, '1', 401],
  ])('the internal endpoint requires the API key: headers %o and id %s get %i', async (headers, id, status) => {
    const answer = await sendRequest(to(`v1/hdts/employees/internal/${id}/`), { headers, token: staffToken });
    expect(answer.status).toBe(status);
  });

  it('the internal endpoint returns only the public fields of an employee', async () => {
    const answer = await sendRequest(to('v1/hdts/employees/internal/1/'), { headers: { 'x-api-key': apiKey } });
    expect(answer.body).toEqual({
      id: 1,
      email: 'alice.navarro@partners.example.com',
      first_name: 'Alice',
      last_name: 'Navarro',
      status: 'active',
      created_at: expect.stringMatching(/^2022-/),
    });
  });

  it('token/validate accepts tokens of staff and of employees', async () => {
    const expires_at = '2030-01-01T00:15:00.000Z';
    const staff = await sendRequest(to('v1/users/token/validate/'), { token: staffToken });
    expect(staff.body).toEqual({ valid: true, user_id: 123, user_type: 'staff', expires_at });
    const employee = await sendRequest(to('v1/users/token/validate/'), { token: employeeToken });
    expect(employee.body).toEqual({ valid: true, user_id: 1, user_type: 'employee', expires_at });
  });

  it('each profile endpoint serves only its type of person', async () => {
    const staff = await sendRequest(to('v1/users/profile/'), { token: staffToken });
    expect(staff.body).toMatchObject({ ...john, username: 'john.doe', is_active: true });
    const employee = await sendRequest(to('v1/hdts/employees/api/profile/'), { token: employeeToken });
    expect(employee.body).toMatchObject({ id: 1, email: 'alice.navarro@partners.example.com', company_id: 'EM0001' });
    expect(await sendRequest(to('v1/hdts/employees/api/profile/'), { token: staffToken })).toMatchObject({
      status: 403,
    });
  });

  it('by-company returns a staff user and answers 404 to the company id of an employee', async () => {
    const staff = await sendRequest(to('v1/users/profile/by-company/ma0001/'), { token: staffToken });
    expect(staff.body).toMatchObject(john);
    expect(await sendRequest(to('v1/users/profile/by-company/EM0001/'), { token: staffToken })).toMatchObject({
      status: 404,
    });
  });

  it.each(['me/', 'v1/tts/user-info/123', 'v1/nowhere/'])('the guide dialect answers 404 to %s', async (path) => {
    const answer = await sendRequest(to(path), { token: staffToken });
    expect([answer.status, answer.body]).toEqual([404, { detail: 'Not found.' }]);
  });
});

const staffPaths = [
  'v1/tts/user-info/1/',
  'v1/tts/round-robin/?system=TTS&role=Technician',
  'v1/users/profile/',
  'v1/users/profile/by-company/MA0001/',
];

describe('access in the guide dialect', () => {
  it.each(staffPaths)('%s answers 403 to employees', async (path) => {
    const answer = await sendRequest(to(path), { token: employeeToken });
    expect(answer).toMatchObject({ status: 403, body: { detail: expect.any(String) } });
  });

  it('users-info answers 403 to employees', async () => {
    const answer = await sendRequest(to('v1/tts/users-info/'), { token: employeeToken, json: { user_ids: [1] } });
    expect(answer.status).toBe(403);
  });

  it.each([...staffPaths, 'v1/users/token/validate/', 'v1/hdts/employees/api/profile/'])(
    '%s answers 401 without a token',
    async (path) => {
      const answer = await sendRequest(to(path));
      expect([answer.status, answer.body]).toEqual([401, { detail: 'Authentication credentials were not provided.' }]);
      const emptied = await sendRequest(to(path), { cookie: 'access_token=""' });
      expect(emptied.body).toEqual(answer.body);
    },
  );

  it('the cookie takes precedence over a Bearer token, which counts without a cookie', async () => {
    const headers = { authorization: `Bearer ${staffToken}` };
    expect(await sendRequest(to('v1/users/profile/'), { headers })).toMatchObject({ status: 200 });
    expect(await sendRequest(to('v1/users/profile/'), { headers, cookie: 'access_token=' })).toMatchObject({
      status: 200,
    });
    expect(await sendRequest(to('v1/users/profile/'), { headers, token: 'bad' })).toMatchObject({ status: 401 });
  });

  it.each([
    ['past its exp', { exp: START / 1000 }],
    ['without exp', { exp: undefined }],
    ['that is a refresh token', { token_type: 'refresh' }],
    ['before its second factor', { temp_otp_login: true, otp_required: true }],
    ['without a user', { user_id: undefined }],
    ['of an unknown id', { user_id: 9999 }],
    ['of an inactive person', { user_id: 8 }],
  ])('a token %s gets 401', async (_what, overrides) => {
    const { access } = await service.issue({ type: 'staff', id: 123 }, overrides);
    const answer = await sendRequest(to('v1/tts/user-info/1/'), { token: access });
    expect(answer).toMatchObject({ status: 401, body: { detail: expect.any(String), code: expect.any(String) } });
  });

  it('a token signed with another key gets 401', async () => {
    await using other = await start({ signingKey: `${signingKey}!`, now: () => time });
    const { access } = await other.issue({ type: 'staff', id: 123 });
    expect(await sendRequest(to('v1/tts/user-info/1/'), { token: access })).toMatchObject({ status: 401 });
  });

  it.each([{ user_id: '123' }, { user_type: undefined }, { token_type: undefined }])(
    'a token with %o is accepted',
    async (overrides) => {
      const { access } = await service.issue({ type: 'staff', id: 123 }, overrides);
      expect(await sendRequest(to('v1/users/profile/'), { token: access })).toMatchObject({ body: { id: 123 } });
    },
  );

  it('a token with employee_id and without user_type belongs to an employee', async () => {
    const { access } = await service.issue({ type: 'employee', id: 1 }, { user_type: undefined });
    expect(await sendRequest(to('v1/users/profile/'), { token: access })).toMatchObject({ status: 403 });
  });
});

describe('sign-in in the guide dialect', () => {
  it('staff sign-in sets the token cookies in the format of Django, and the Django cookies', async () => {
    const answer = await signIn({ email: 'User@example.com', ...STAFF });
    expect([answer.status, answer.body]).toEqual([200, { message: 'Login successful', user: john }]);
    expect(Object.keys(answer.cookies)).toEqual(['access_token', 'refresh_token', 'sessionid', 'csrftoken']);
    expect(answer.setCookies[0]).toMatch(
      /^access_token=[\w.-]+; expires=Tue, 01 Jan 2030 00:15:00 GMT; HttpOnly; Max-Age=900; Path=\/; SameSite=Lax$/,
    );
    expect(answer.setCookies[1]).toMatch(/^refresh_token=[\w.-]+; .*HttpOnly; Max-Age=604800;/);
    expect(claimsOf(answer.cookies.access_token)).toMatchObject({ token_type: 'access', user_id: 123 });
    expect(claimsOf(answer.cookies.refresh_token)).toMatchObject({ token_type: 'refresh', user_id: 123 });
  });

  it.each([
    ['user@example.com', 'wrong', 401, { detail: 'Invalid credentials' }],
    ['unknown@example.com', 'wrong', 401, { detail: 'Invalid credentials' }],
    ['oluwaseun.adeyemi@example.com', STAFF.password, 403, { detail: 'Account locked' }],
    ['beatrice.lang@example.com', STAFF.password, 403, { detail: 'Account inactive' }],
    ['hana.kobayashi@example.com', STAFF.password, 400, { captcha_token: ['This field is required.'] }],
    ['', STAFF.password, 400, { email: ['This field is required.'] }],
    ['alice.navarro@partners.example.com', EMPLOYEE.password, 401, { detail: 'Invalid credentials' }],
  ])('staff sign-in with %s and %s answers %i %o', async (email, password, status, body) => {
    const answer = await signIn({ email, password });
    expect([answer.status, answer.body, answer.setCookies]).toEqual([status, body, []]);
  });

  it('staff sign-in accepts the right captcha of a person who needs one', async () => {
    const json = { email: 'hana.kobayashi@example.com', ...STAFF };
    expect(await signIn({ ...json, captcha_token: 'bought' })).toMatchObject({ status: 400 });
    expect(await signIn({ ...json, captcha_token: 'captcha-ok' })).toMatchObject({ status: 200 });
  });

  it('many consecutive wrong passwords lock an account, and a right one resets the count', async () => {
    await ruthFails(WRONG_PASSWORDS_BEFORE_LOCK - 1);
    expect(await ruth(STAFF.password)).toMatchObject({ status: 200 });
    await ruthFails(WRONG_PASSWORDS_BEFORE_LOCK - 1);
    expect(await ruth(STAFF.password)).toMatchObject({ status: 200 });
    await ruthFails(WRONG_PASSWORDS_BEFORE_LOCK);
    expect(await ruth(STAFF.password)).toMatchObject({ status: 403, body: { detail: 'Account locked' } });
  });

  it('employee sign-in accepts active employees only', async () => {
    const url = to('v1/hdts/employees/api/login/');
    const answer = await sendRequest(url, { json: { email: 'alice.navarro@partners.example.com', ...EMPLOYEE } });
    expect(answer.status).toBe(200);
    expect(claimsOf(answer.cookies.access_token)).toMatchObject({ employee_id: 1, user_type: 'employee' });
    for (const [email, status] of [
      ['dmitri.volkov@partners.example.com', 403],
      ['user@example.com', 401],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- two requests
      expect(await sendRequest(url, { json: { email, ...EMPLOYEE } })).toMatchObject({ status });
    }
  });
});

describe.each([
  ['staff', 'rafael.domingo@example.com', STAFF, 'v1/users/login/api/', 'v1/users/login/verify-otp/'],
  [
    'employee',
    'benjamin.strand@partners.example.com',
    EMPLOYEE,
    'v1/hdts/employees/api/login/',
    'v1/hdts/employees/api/2fa/verify-otp/',
  ],
])('the second factor of %s in the guide dialect', (type, email, password, loginPath, otpPath) => {
  const finish = (otp_code: string | null) => sendRequest(to(otpPath), { json: { email, otp_code } });

  it('sign-in sets no cookie and sends a code, which completes the sign-in once', async () => {
    const answer = await sendRequest(to(loginPath), { json: { email, ...password } });
    expect([answer.status, answer.setCookies]).toEqual([200, []]);
    expect(answer.body).toEqual(type === 'staff' ? { requires_2fa: true } : { requires_otp: true, email });
    const code = service.lastCode(email);
    expect(logLines.at(-1)).toBe(`Second-factor code for ${email}: ${code}`);
    const done = await finish(code);
    expect(done.status).toBe(200);
    expect(claimsOf(done.cookies.access_token)).toMatchObject({ user_type: type, email });
    expect(await finish(code)).toMatchObject({ status: 400 });
  });

  it('the right code is accepted after a wrong one', async () => {
    await sendRequest(to(loginPath), { json: { email, ...password } });
    const code = service.lastCode(email);
    const wrong = await finish(code === '000000' ? '000001' : '000000');
    expect([wrong.status, wrong.body]).toEqual([400, { error: 'Invalid OTP code.' }]);
    expect(await finish(code)).toMatchObject({ status: 200 });
  });

  it('a code is valid for ten minutes', async () => {
    await sendRequest(to(loginPath), { json: { email, ...password } });
    time += 10 * 60 * 1000;
    expect(await finish(service.lastCode(email))).toMatchObject({
      status: 400,
      body: { error: 'OTP code has expired.' },
    });
    await sendRequest(to(loginPath), { json: { email, ...password } });
    time += 10 * 60 * 1000 - 1;
    expect(await finish(service.lastCode(email))).toMatchObject({ status: 200 });
  });
});

describe('refresh in the guide dialect', () => {
  const blacklisted = { status: 401, body: { detail: 'Token is blacklisted', code: 'token_not_valid' } };

  it('refresh needs no access token, sets new cookies and blacklists the old refresh token', async () => {
    const old = await service.issue({ type: 'staff', id: 123 });
    const answer = await refresh(old.refresh);
    expect([answer.status, Object.keys(answer.cookies)]).toEqual([200, ['access_token', 'refresh_token']]);
    expect(await sendRequest(to('v1/users/profile/'), { token: answer.cookies.access_token ?? '' })).toMatchObject({
      status: 200,
    });
    expect(await refresh(old.refresh)).toMatchObject(blacklisted);
    expect(await refresh(answer.cookies.refresh_token)).toMatchObject({ status: 200 });
  });

  it('a blacklisted token with flipped spare signature bits is rejected', async () => {
    const { refresh: token } = await service.issue({ type: 'staff', id: 123 });
    await refresh(token);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const respelt = token.slice(0, -1) + letters[letters.indexOf(token.at(-1) ?? '') ^ 1];
    expect(await refresh(respelt)).toMatchObject(blacklisted);
  });

  it('concurrent refreshes exchange a token only once', async () => {
    const { refresh: token } = await service.issue({ type: 'employee', id: 1 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(token)));
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([
      200,
      ...Array(7).fill(401),
    ]);
  });

  it.each([
    ['a missing token', '', { detail: 'Refresh token not provided.' }],
    ['an invalid token', 'bad', { detail: 'Token is invalid or expired', code: 'token_not_valid' }],
  ])('refresh rejects %s', async (_what, token, body) => {
    expect(await refresh(token)).toMatchObject({ status: 401, body });
  });

  it('refresh rejects an access token and an expired refresh token', async () => {
    const pair = await service.issue({ type: 'staff', id: 123 });
    expect(await refresh(pair.access)).toMatchObject({ status: 401, body: { detail: 'Token has wrong type' } });
    time += 7 * 24 * 3600 * 1000;
    expect(await refresh(pair.refresh)).toMatchObject({ status: 401 });
  });

  it.each([
    ['staff', 'v1/users/token/refresh/', 200],
    ['employee', 'v1/users/token/refresh/', 401],
    ['employee', 'v1/hdts/employees/api/token/refresh/', 200],
    ['staff', 'v1/hdts/employees/api/token/refresh/', 401],
  ] as const)('refresh of %s at the older %s answers %i', async (type, path, status) => {
    const pair = await service.issue({ type, id: 1 });
    const answer = await refresh(pair.refresh, path);
    expect(answer.status).toBe(status);
    // A rejected request does not consume the token.
    expect(await refresh(pair.refresh)).toMatchObject({ status: status === 200 ? 401 : 200 });
  });

  it.each(['v1/users/logout/', 'v1/hdts/employees/api/logout/'])(
    'sign-out at %s blacklists the refresh token',
    async (path) => {
      const pair = await service.issue({ type: 'staff', id: 123 });
      const answer = await sendRequest(to(path), { method: 'POST', cookie: `refresh_token=${pair.refresh}` });
      expect(answer.status).toBe(200);
      expect(answer.setCookies.slice(0, 2)).toEqual([
        'access_token=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax',
        'refresh_token=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax',
      ]);
      expect(await refresh(pair.refresh)).toMatchObject(blacklisted);
      expect(await sendRequest(to(path), { method: 'POST' })).toMatchObject({ status: 200 });
    },
  );
});
