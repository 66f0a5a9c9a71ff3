import { describe, expect, it } from 'vitest';
import type { AuthServiceOptions } from '../../../../server/dev/auth-service/auth-service.ts';
import { sendRequest, claimsOf, EMPLOYEE, field, STAFF, start } from './send-request.ts';

const START = Date.UTC(2030, 0, 1);
const MINUTE = 60_000;

const startDeployed = async (options: Partial<AuthServiceOptions> = {}) => {
  let time = START;
  const service = await start({ dialect: 'deployed', now: () => time, ...options });
  const post = (path: string, json: unknown, token?: string) =>
    sendRequest(`${service.url}/api/v1/${path}`, { method: 'POST', json, ...(token === undefined ? {} : { token }) });
  return {
    service,
    advance: (ms: number) => {
      time += ms;
    },
    signIn: (json: unknown) => post('users/login/api/', json),
    signInEmployee: (json: unknown) => post('hdts/employees/api/login/', json),
    finish: (json: unknown) => post('users/login/verify-otp/', json),
    resend: (token?: string) => post('users/2fa/request-otp-authenticated/', undefined, token),
    post,
    [Symbol.asyncDispose]: service.close,
  };
};

const john = { email: 'user@example.com', ...STAFF };
const rafael = { email: 'rafael.domingo@example.com', ...STAFF };
const alice = { email: 'alice.navarro@partners.example.com', ...EMPLOYEE };

const staffRefused = (text: string) => ({
  status: 400,
  body: { success: false, otp_required: false, errors: { non_field_errors: [text] } },
});
const refused = (text: string) => ({ status: 400, body: { success: false, errors: { non_field_errors: [text] } } });
const statusAndBody = ({ status, body }: { status: number; body: unknown }) => ({ status, body });

const wrong = 'Invalid email or password.';
const staffLocked = 'Account is locked due to too many failed login attempts. Please try again later.';
const employeeLocked = 'Account is temporarily locked. Please try again later.';
const captchaMissing = 'reCAPTCHA verification is required.';

describe('sign-in of staff in the deployed dialect', () => {
  it('staff sign-in returns the tokens in the body and no JWT in cookies', async () => {
    await using test = await startDeployed();
    const answer = await test.signIn(john);
    expect(answer.body).toMatchObject({
      success: true,
      user: { id: 123, email: john.email, is_staff: false, is_superuser: false },
      system_roles: [{ system_slug: 'tts', role_name: 'Technician' }, { system_slug: 'ams' }],
    });
    const access = claimsOf(field(answer.body, 'access_token'));
    expect(access).toMatchObject({ token_type: 'access', user_id: 123, exp: START / 1000 + 300 });
    expect(claimsOf(field(answer.body, 'refresh_token'))).toMatchObject({ token_type: 'refresh', user_id: 123 });
    expect(Object.keys(answer.cookies)).toEqual(['sessionid', 'csrftoken']);
  });

  it.each([
    ['a wrong password', { ...john, password: 'wrong' }],
    ['an unknown e-mail address', { ...john, email: 'unknown@example.com' }],
    ['an employee', alice],
    ['an inactive account', { email: 'beatrice.lang@example.com', ...STAFF }],
    ['an e-mail address in other case', { ...john, email: 'User@example.com' }],
  ])('staff sign-in answers %s with the same error text', async (_name, json) => {
    await using test = await startDeployed();
    expect(statusAndBody(await test.signIn(json))).toEqual(staffRefused(wrong));
  });

  it('staff sign-in names a missing field', async () => {
    await using test = await startDeployed();
    const { status, body } = await test.signIn({ email: john.email });
    const errors = { password: ['This field is required.'] };
    expect([status, body]).toEqual([400, { success: false, otp_required: false, errors }]);
  });

  it('staff sign-in rejects pending and rejected people only if they have the role Employee in HDTS', async () => {
    await using test = await startDeployed();
    const maria = { type: 'staff', id: 1 } as const;
    const credentials = { email: 'maria.santos@example.com', ...STAFF };
    test.service.changePerson(maria, { status: 'Pending' });
    expect((await test.signIn(credentials)).status).toBe(200);
    test.service.changePerson(maria, { roles: [{ system: 'HDTS', role: 'Employee' }] });
    expect(statusAndBody(await test.signIn(credentials))).toEqual(
      staffRefused('Your account is pending approval by the HDTS system administrator.'),
    );
    test.service.changePerson(maria, { status: 'Rejected' });
    expect(statusAndBody(await test.signIn(credentials))).toEqual(
      staffRefused('Your account has been rejected by the HDTS system administrator.'),
    );
    expect(statusAndBody(await test.signIn({ ...credentials, password: 'wrong' }))).toEqual(staffRefused(wrong));
  });

  it('the tenth consecutive wrong password locks a staff account for fifteen minutes', async () => {
    await using test = await startDeployed();
    const guess = () => test.signIn({ ...john, password: 'wrong' });
    for (let tries = 1; tries < 10; tries += 1) await guess();
    expect((await test.signIn(john)).status).toBe(200);
    for (let tries = 1; tries <= 10; tries += 1) expect(statusAndBody(await guess())).toEqual(staffRefused(wrong));
    expect(statusAndBody(await guess())).toEqual(staffRefused(staffLocked));
    test.advance(15 * MINUTE - 1);
    expect(statusAndBody(await test.signIn(john))).toEqual(staffRefused(staffLocked));
    test.advance(1);
    expect(statusAndBody(await guess())).toEqual(staffRefused(wrong));
    expect((await test.signIn(john)).status).toBe(200);
  });

  it('staff sign-in rejects the seeded person with a locked account', async () => {
    await using test = await startDeployed();
    const credentials = { email: 'oluwaseun.adeyemi@example.com', ...STAFF };
    expect(statusAndBody(await test.signIn(credentials))).toEqual(staffRefused(staffLocked));
  });
});

describe('sign-in of employees in the deployed dialect', () => {
  it('employee sign-in returns the tokens in the body and in cookies', async () => {
    await using test = await startDeployed();
    const answer = await test.signInEmployee(alice);
    expect(answer.body).toMatchObject({ success: true, employee: { id: 1, email: alice.email, status: 'Approved' } });
    const { access_token, refresh_token } = answer.cookies;
    expect([field(answer.body, 'access'), field(answer.body, 'refresh')]).toEqual([access_token, refresh_token]);
    expect(answer.setCookies).toEqual([
      expect.stringMatching(/^access_token=.*; HttpOnly; Max-Age=300; Path=\/; SameSite=Lax$/),
      expect.stringMatching(/^refresh_token=.*; HttpOnly; Max-Age=604800; Path=\/; SameSite=Lax$/),
    ]);
  });

  it('employee sign-in rejects a pending employee and accepts a rejected one', async () => {
    await using test = await startDeployed();
    test.service.changePerson({ type: 'employee', id: 1 }, { status: 'Pending' });
    expect(statusAndBody(await test.signInEmployee({ ...alice, password: 'wrong' }))).toEqual(refused(wrong));
    expect(statusAndBody(await test.signInEmployee(alice))).toEqual(
      refused('Your account is pending approval. Please wait for admin approval before logging in.'),
    );
    test.service.changePerson({ type: 'employee', id: 1 }, { status: 'Rejected' });
    expect(await test.signInEmployee(alice)).toMatchObject({
      status: 200,
      body: { success: true, employee: { status: 'Rejected' } },
    });
  });

  it('the fifth consecutive wrong password locks an employee account for thirty minutes', async () => {
    await using test = await startDeployed();
    const guess = () => test.signInEmployee({ ...alice, password: 'wrong' });
    for (let tries = 1; tries < 5; tries += 1) expect(statusAndBody(await guess())).toEqual(refused(wrong));
    expect(statusAndBody(await guess())).toEqual(
      refused('Account locked due to too many failed login attempts. Try again in 30 minutes.'),
    );
    test.advance(30 * MINUTE - 1);
    expect(statusAndBody(await test.signInEmployee(alice))).toEqual(refused(employeeLocked));
    test.advance(1);
    expect((await test.signInEmployee(alice)).status).toBe(200);
  });
});

describe('the captcha of the deployed dialect', () => {
  it.each([
    ['staff', undefined, staffRefused(captchaMissing)],
    ['staff', '', staffRefused(captchaMissing)],
    ['staff', 'bought', staffRefused('reCAPTCHA verification failed.')],
    ['employee', undefined, refused(captchaMissing)],
    ['employee', 'bought', refused('reCAPTCHA verification failed.')],
  ] as const)(
    'with captcha on, sign-in of %s rejects the captcha %j before it checks the password',
    async (kind, captcha, expected) => {
      await using test = await startDeployed({ captcha: 'on' });
      const [signIn, credentials] = kind === 'staff' ? [test.signIn, john] : [test.signInEmployee, alice];
      const json = { ...credentials, password: 'wrong', g_recaptcha_response: captcha };
      for (let attempt = 1; attempt <= 11; attempt += 1) expect(statusAndBody(await signIn(json))).toEqual(expected);
      // A failed captcha does not count towards the lockout.
      expect((await signIn({ ...credentials, g_recaptcha_response: 'captcha-ok' })).status).toBe(200);
    },
  );

  it('the captcha check reads only g_recaptcha_response and rejects null', async () => {
    await using test = await startDeployed({ captcha: 'on' });
    const others = { captcha_token: 'captcha-ok', 'g-recaptcha-response': 'captcha-ok' };
    expect(statusAndBody(await test.signIn({ ...john, ...others }))).toEqual(staffRefused(captchaMissing));
    const { body } = await test.signIn({ ...john, g_recaptcha_response: null });
    expect(body).toMatchObject({ errors: { g_recaptcha_response: ['This field may not be null.'] } });
  });

  it('with captcha off, only the seeded person needs one, and others may send any value', async () => {
    await using test = await startDeployed();
    const hana = { email: 'hana.kobayashi@example.com', ...STAFF };
    expect(statusAndBody(await test.signIn(hana))).toEqual(staffRefused(captchaMissing));
    expect((await test.signIn({ ...hana, g_recaptcha_response: 'captcha-ok' })).status).toBe(200);
    expect((await test.signIn({ ...john, g_recaptcha_response: 'bought' })).status).toBe(200);
    expect((await test.signInEmployee(alice)).status).toBe(200);
  });
});

describe('the second factor of staff in the deployed dialect', () => {
  const begin = async (test: Awaited<ReturnType<typeof startDeployed>>) => {
    const first = await test.signIn(rafael);
    const temporary_token = field(first.body, 'temporary_token');
    const code = test.service.lastCode(rafael.email) ?? '';
    const wrongCode = code === '000000' ? '000001' : '000000';
    return { first, temporary_token, code, wrongCode };
  };
  const notTheCode = refused('Invalid or expired OTP code.');

  it('sign-in returns a temporary token without user_type that is valid for five minutes', async () => {
    await using test = await startDeployed();
    const { first, temporary_token } = await begin(test);
    expect(first).toMatchObject({ status: 200, body: { success: false, otp_required: true }, setCookies: [] });
    const claims = claimsOf(temporary_token);
    expect(claims).toMatchObject({ user_id: 7, temp_otp_login: true, exp: START / 1000 + 300 });
    expect(claims).not.toHaveProperty('user_type');
  });

  it('the code and the temporary token complete the sign-in once', async () => {
    await using test = await startDeployed();
    const { temporary_token, code } = await begin(test);
    const done = await test.finish({ temporary_token, otp_code: code });
    expect(done).toMatchObject({
      status: 200,
      body: { success: true, message: 'OTP verification successful', user: { id: 7 }, redirect: expect.any(String) },
    });
    expect(done.body).not.toHaveProperty('otp_required');
    expect(Object.keys(done.cookies)).toEqual(['sessionid', 'csrftoken']);
    expect(claimsOf(field(done.body, 'access_token'))).not.toHaveProperty('temp_otp_login');
    expect(statusAndBody(await test.finish({ temporary_token, otp_code: code }))).toEqual(notTheCode);
  });

  it('the errors of an invalid temporary token, a wrong token type and a wrong code differ', async () => {
    await using test = await startDeployed();
    const { temporary_token, code, wrongCode } = await begin(test);
    const { access } = await test.service.issue({ type: 'staff', id: 7 });
    expect(statusAndBody(await test.finish({ temporary_token: 'bad', otp_code: code }))).toEqual(
      refused('Invalid or expired token.'),
    );
    expect(statusAndBody(await test.finish({ temporary_token: access, otp_code: code }))).toEqual(
      refused('Invalid token type.'),
    );
    expect(statusAndBody(await test.finish({ temporary_token, otp_code: wrongCode }))).toEqual(notTheCode);
    expect((await test.finish({ temporary_token })).body).toMatchObject({ errors: { otp_code: expect.any(Array) } });
    expect((await test.finish({ temporary_token, otp_code: code })).status).toBe(200);
  });

  it('the third attempt fails even with the right code', async () => {
    await using test = await startDeployed();
    const { temporary_token, code, wrongCode } = await begin(test);
    for (const otp_code of [wrongCode, wrongCode, code]) {
      // oxlint-disable-next-line no-await-in-loop -- the test needs this order
      expect(statusAndBody(await test.finish({ temporary_token, otp_code }))).toEqual(notTheCode);
    }
  });

  it('a code is valid for five minutes', async () => {
    await using test = await startDeployed();
    const first = await begin(test);
    test.advance(5 * MINUTE - 1);
    expect((await test.finish({ temporary_token: first.temporary_token, otp_code: first.code })).status).toBe(200);
    const second = await begin(test);
    test.advance(5 * MINUTE);
    expect((await test.finish({ temporary_token: second.temporary_token, otp_code: second.code })).status).toBe(400);
  });

  it('a new code, requested with the temporary token, replaces the previous one', async () => {
    await using test = await startDeployed();
    const { temporary_token, code } = await begin(test);
    const resent = await test.resend(temporary_token);
    const message = 'OTP sent to your email address';
    expect([resent.status, resent.body]).toEqual([200, { message, expires_in_minutes: 5 }]);
    const newCode = test.service.lastCode(rafael.email);
    expect(newCode).not.toBe(code);
    expect((await test.finish({ temporary_token, otp_code: code })).status).toBe(400);
    expect((await test.finish({ temporary_token, otp_code: newCode })).status).toBe(200);
  });

  it('no code is sent to a person without a second factor or without a token', async () => {
    await using test = await startDeployed();
    const { access } = await test.service.issue({ type: 'staff', id: 123 });
    const without = await test.resend(access);
    expect([without.status, without.body]).toEqual([400, { error: '2FA is not enabled for this account' }]);
    expect((await test.resend()).status).toBe(302);
  });
});

it('an employee with a second factor cannot complete a sign-in in the deployed dialect', async () => {
  await using test = await startDeployed();
  const email = 'benjamin.strand@partners.example.com';
  const first = await test.signInEmployee({ email, ...EMPLOYEE });
  const message = 'OTP sent to your email. Please verify to complete login.';
  expect([first.status, first.body, first.setCookies]).toEqual([200, { requires_otp: true, email, message }, []]);
  const json = { email, otp_code: test.service.lastCode(email) };
  const second = await test.post('hdts/employees/api/2fa/verify-otp/', json);
  expect([second.status, second.headers.get('location'), second.text]).toEqual([302, '/staff/login/', '']);
});

describe('POST /token/ in the deployed dialect', () => {
  const startTokens = async () => {
    const test = await startDeployed({ captcha: 'on' });
    const obtain = (json: unknown) => sendRequest(`${test.service.url}/token/`, { method: 'POST', json });
    return { ...test, obtain };
  };

  it('signs staff in without a captcha, with the tokens in readable cookies alone', async () => {
    await using test = await startTokens();
    expect(statusAndBody(await test.signIn(john))).toEqual(staffRefused(captchaMissing));
    const answer = await test.obtain(john);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.cookies)).toEqual(['access_token', 'refresh_token']);
    expect(claimsOf(answer.cookies.access_token ?? '')).toMatchObject({ token_type: 'access', user_id: 123 });
    expect(claimsOf(answer.cookies.refresh_token ?? '')).toMatchObject({ token_type: 'refresh', user_id: 123 });
    expect(JSON.stringify(answer.body)).not.toContain('eyJ');
  });

  it.each([
    ['a wrong password', { ...john, password: 'wrong' }, wrong],
    ['a locked account', { ...STAFF, email: 'oluwaseun.adeyemi@example.com' }, staffLocked],
    [
      'an account with a second factor and no code',
      rafael,
      'OTP code is required for this account. An OTP has been sent to your email.',
    ],
    ['a wrong second-factor code', { ...rafael, otp_code: '000' }, 'Invalid or expired OTP code.'],
  ])('answers 400 to %s', async (_name, json, text) => {
    await using test = await startTokens();
    const answer = await test.obtain(json);
    expect(statusAndBody(answer)).toEqual({ status: 400, body: { non_field_errors: [text] } });
    expect(answer.cookies).toEqual({});
  });

  it('takes the second-factor code in the same request, and counts wrong passwords towards the lock', async () => {
    await using test = await startTokens();
    await test.obtain(rafael);
    const answer = await test.obtain({ ...rafael, otp_code: test.service.lastCode(rafael.email) });
    expect(answer.status).toBe(200);
    for (let tries = 0; tries < 10; tries += 1) await test.obtain({ ...john, password: 'wrong' });
    expect((await test.obtain(john)).body).toEqual({ non_field_errors: [staffLocked] });
  });
});
