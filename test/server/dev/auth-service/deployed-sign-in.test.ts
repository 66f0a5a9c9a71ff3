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
const told = ({ status, body }: { status: number; body: unknown }) => ({ status, body });

const wrong = 'Invalid email or password.';
const staffLocked = 'Account is locked due to too many failed login attempts. Please try again later.';
const employeeLocked = 'Account is temporarily locked. Please try again later.';
const captchaMissing = 'reCAPTCHA verification is required.';

describe('sign-in of staff in the deployed dialect', () => {
  it('puts the tokens into the body, and no JWT into cookies', async () => {
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
    ['nobody', { ...john, email: 'nobody@example.com' }],
    ['an employee', alice],
    ['an inactive account', { email: 'beatrice.lang@example.com', ...STAFF }],
    ['an e-mail address in other case', { ...john, email: 'User@example.com' }],
  ])('says of %s only that e-mail or password is wrong', async (_name, json) => {
    await using test = await startDeployed();
    expect(told(await test.signIn(json))).toEqual(staffRefused(wrong));
  });

  it('names the field that is missing', async () => {
    await using test = await startDeployed();
    const { status, body } = await test.signIn({ email: john.email });
    const errors = { password: ['This field is required.'] };
    expect([status, body]).toEqual([400, { success: false, otp_required: false, errors }]);
  });

  it('refuses pending and rejected people with the role Employee in HDTS, and no others', async () => {
    await using test = await startDeployed();
    const maria = { type: 'staff', id: 1 } as const;
    const credentials = { email: 'maria.santos@example.com', ...STAFF };
    test.service.changePerson(maria, { status: 'Pending' });
    expect((await test.signIn(credentials)).status).toBe(200);
    test.service.changePerson(maria, { roles: [{ system: 'HDTS', role: 'Employee' }] });
    expect(told(await test.signIn(credentials))).toEqual(
      staffRefused('Your account is pending approval by the HDTS system administrator.'),
    );
    test.service.changePerson(maria, { status: 'Rejected' });
    expect(told(await test.signIn(credentials))).toEqual(
      staffRefused('Your account has been rejected by the HDTS system administrator.'),
    );
    expect(told(await test.signIn({ ...credentials, password: 'wrong' }))).toEqual(staffRefused(wrong));
  });

  it('locks at the tenth wrong password in a row, for fifteen minutes, against the right one too', async () => {
    await using test = await startDeployed();
    const guess = () => test.signIn({ ...john, password: 'wrong' });
    for (let tries = 1; tries < 10; tries += 1) await guess();
    expect((await test.signIn(john)).status).toBe(200);
    for (let tries = 1; tries <= 10; tries += 1) expect(told(await guess())).toEqual(staffRefused(wrong));
    expect(told(await guess())).toEqual(staffRefused(staffLocked));
    test.advance(15 * MINUTE - 1);
    expect(told(await test.signIn(john))).toEqual(staffRefused(staffLocked));
    test.advance(1);
    expect(told(await guess())).toEqual(staffRefused(wrong));
    expect((await test.signIn(john)).status).toBe(200);
  });

  it('keeps the seeded person locked who is there to show it', async () => {
    await using test = await startDeployed();
    const credentials = { email: 'oluwaseun.adeyemi@example.com', ...STAFF };
    expect(told(await test.signIn(credentials))).toEqual(staffRefused(staffLocked));
  });
});

describe('sign-in of employees in the deployed dialect', () => {
  it('puts the tokens into the body and into cookies', async () => {
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

  it('refuses a pending employee after the right password, and lets a rejected one in', async () => {
    await using test = await startDeployed();
    test.service.changePerson({ type: 'employee', id: 1 }, { status: 'Pending' });
    expect(told(await test.signInEmployee({ ...alice, password: 'wrong' }))).toEqual(refused(wrong));
    expect(told(await test.signInEmployee(alice))).toEqual(
      refused('Your account is pending approval. Please wait for admin approval before logging in.'),
    );
    test.service.changePerson({ type: 'employee', id: 1 }, { status: 'Rejected' });
    expect(await test.signInEmployee(alice)).toMatchObject({
      status: 200,
      body: { success: true, employee: { status: 'Rejected' } },
    });
  });

  it('locks at the fifth wrong password in a row, for thirty minutes', async () => {
    await using test = await startDeployed();
    const guess = () => test.signInEmployee({ ...alice, password: 'wrong' });
    for (let tries = 1; tries < 5; tries += 1) expect(told(await guess())).toEqual(refused(wrong));
    expect(told(await guess())).toEqual(
      refused('Account locked due to too many failed login attempts. Try again in 30 minutes.'),
    );
    test.advance(30 * MINUTE - 1);
    expect(told(await test.signInEmployee(alice))).toEqual(refused(employeeLocked));
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
  ] as const)('is asked of %s before the password if it is on, and refuses %j', async (kind, answer, refusal) => {
    await using test = await startDeployed({ captcha: 'on' });
    const [signIn, credentials] = kind === 'staff' ? [test.signIn, john] : [test.signInEmployee, alice];
    const json = { ...credentials, password: 'wrong', g_recaptcha_response: answer };
    for (let tries = 1; tries <= 11; tries += 1) expect(told(await signIn(json))).toEqual(refusal);
    // None of these tries counted towards the lock.
    expect((await signIn({ ...credentials, g_recaptcha_response: 'captcha-ok' })).status).toBe(200);
  });

  it('reads no other field, and complains about null', async () => {
    await using test = await startDeployed({ captcha: 'on' });
    const others = { captcha_token: 'captcha-ok', 'g-recaptcha-response': 'captcha-ok' };
    expect(told(await test.signIn({ ...john, ...others }))).toEqual(staffRefused(captchaMissing));
    const { body } = await test.signIn({ ...john, g_recaptcha_response: null });
    expect(body).toMatchObject({ errors: { g_recaptcha_response: ['This field may not be null.'] } });
  });

  it('is asked of the seeded person alone if it is off, and ignored for others', async () => {
    await using test = await startDeployed();
    const hana = { email: 'hana.kobayashi@example.com', ...STAFF };
    expect(told(await test.signIn(hana))).toEqual(staffRefused(captchaMissing));
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

  it('is asked for with a temporary token, which says no user_type and lives five minutes', async () => {
    await using test = await startDeployed();
    const { first, temporary_token } = await begin(test);
    expect(first).toMatchObject({ status: 200, body: { success: false, otp_required: true }, setCookies: [] });
    const claims = claimsOf(temporary_token);
    expect(claims).toMatchObject({ user_id: 7, temp_otp_login: true, exp: START / 1000 + 300 });
    expect(claims).not.toHaveProperty('user_type');
  });

  it('signs in by the code and the temporary token together', async () => {
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
    expect(told(await test.finish({ temporary_token, otp_code: code }))).toEqual(notTheCode);
  });

  it('tells what is wrong with the token, and of the code only that it does not count', async () => {
    await using test = await startDeployed();
    const { temporary_token, code, wrongCode } = await begin(test);
    const { access } = await test.service.issue({ type: 'staff', id: 7 });
    expect(told(await test.finish({ temporary_token: 'bad', otp_code: code }))).toEqual(
      refused('Invalid or expired token.'),
    );
    expect(told(await test.finish({ temporary_token: access, otp_code: code }))).toEqual(
      refused('Invalid token type.'),
    );
    expect(told(await test.finish({ temporary_token, otp_code: wrongCode }))).toEqual(notTheCode);
    expect((await test.finish({ temporary_token })).body).toMatchObject({ errors: { otp_code: expect.any(Array) } });
    expect((await test.finish({ temporary_token, otp_code: code })).status).toBe(200);
  });

  it('refuses even the right code at the third try', async () => {
    await using test = await startDeployed();
    const { temporary_token, code, wrongCode } = await begin(test);
    for (const otp_code of [wrongCode, wrongCode, code]) {
      // oxlint-disable-next-line no-await-in-loop -- their order is what is tested
      expect(told(await test.finish({ temporary_token, otp_code }))).toEqual(notTheCode);
    }
  });

  it('takes a code for five minutes', async () => {
    await using test = await startDeployed();
    const first = await begin(test);
    test.advance(5 * MINUTE - 1);
    expect((await test.finish({ temporary_token: first.temporary_token, otp_code: first.code })).status).toBe(200);
    const second = await begin(test);
    test.advance(5 * MINUTE);
    expect((await test.finish({ temporary_token: second.temporary_token, otp_code: second.code })).status).toBe(400);
  });

  it('has one live code: a new one, asked for with the temporary token, ends the last', async () => {
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

  it('sends no code to people without a second factor, and none without a token', async () => {
    await using test = await startDeployed();
    const { access } = await test.service.issue({ type: 'staff', id: 123 });
    const without = await test.resend(access);
    expect([without.status, without.body]).toEqual([400, { error: '2FA is not enabled for this account' }]);
    expect((await test.resend()).status).toBe(302);
  });
});

it('asks employees for a second factor in the deployed dialect, and lets nobody finish it', async () => {
  await using test = await startDeployed();
  const email = 'benjamin.strand@partners.example.com';
  const first = await test.signInEmployee({ email, ...EMPLOYEE });
  const message = 'OTP sent to your email. Please verify to complete login.';
  expect([first.status, first.body, first.setCookies]).toEqual([200, { requires_otp: true, email, message }, []]);
  const json = { email, otp_code: test.service.lastCode(email) };
  const second = await test.post('hdts/employees/api/2fa/verify-otp/', json);
  expect([second.status, second.headers.get('location'), second.text]).toEqual([302, '/staff/login/', '']);
});
