import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signInPeople } from '../../../../server/dev/auth-service/people/people.ts';
import { errorDataOf, reasonOf } from '../../../support/app/browser.ts';
import { createClock, dialects, startApp, type TestApp } from '../../../support/app/start-app.ts';

const person = (email: RegExp) => {
  const found = signInPeople.find(({ shows }) => email.test(shows));
  if (found === undefined) throw new Error(`No seeded person matches: ${email}`);
  return { email: found.email, password: found.password, as: found.as };
};
const technician = person(/^TTS technician/);
const employee = person(/^Employee: /);
const secondFactor = person(/^Second factor/);
const employeeSecondFactor = person(/^Employee with a second factor/);

/** The number of allowed attempts per code. With a temporary token, the third attempt fails even with the right code. */
const attemptsOf = { guide: 5, deployed: 2 };

describe.each(dialects)('signing in against the %s dialect', (dialect) => {
  /** For sign-ins with one attempt, which change nothing for the next one half an hour later. */
  let shared: TestApp;
  const sharedClock = createClock();
  beforeAll(async () => {
    shared = await startApp({ dialect, now: sharedClock.now });
  });
  beforeEach(() => sharedClock.advance(30 * 60_000));
  afterAll(() => shared[Symbol.asyncDispose]());

  it('returns the session of a staff member and sets both tokens as hardened cookies', async () => {
    const browser = shared.browser();
    const answer = await browser.trpc.session.login.mutate(technician);

    expect(answer).toMatchObject({
      status: 'signed_in',
      session: {
        user: { id: 123, type: 'staff', email: 'user@example.com' },
        systems: expect.arrayContaining(['TTS', 'AMS']),
      },
    });
    expect(browser.setCookies.map((line) => line.split('=')[0])).toEqual([
      'access_token',
      'refresh_token',
      'auth_bff_device',
    ]);
    for (const line of browser.setCookies) {
      expect(line).toMatch(/; HttpOnly/);
      expect(line).toMatch(/; SameSite=Lax/);
      expect(line).toMatch(/; Secure/);
      expect(line).toMatch(/; Path=\//);
      expect(line).toMatch(/; Max-Age=\d+/);
    }
    expect((await browser.trpc.session.me.query()).user).toMatchObject({ id: 123, type: 'staff' });
  });

  it('never returns a token or forwards another cookie of the Auth Service', async () => {
    const browser = shared.browser();
    await browser.trpc.session.login.mutate(technician);
    expect(await browser.lastAnswer().text()).not.toMatch(/eyJ/);
    expect([...browser.cookies.keys()].toSorted()).toEqual(['access_token', 'auth_bff_device', 'refresh_token']);
  });

  it('signs in an employee only with as: employee', async () => {
    await using app = await startApp({ dialect });
    const browser = app.browser();
    expect(await reasonOf(browser.trpc.session.login.mutate({ ...employee, as: undefined }))).toBe('bad_credentials');
    expect(browser.cookies.size).toBe(0);
    expect(await browser.trpc.session.login.mutate(employee)).toMatchObject({
      status: 'signed_in',
      session: { user: { id: 1, type: 'employee' } },
    });
    expect(app.authService.count('staff-login')).toBe(1);
    expect(app.authService.count('employee-login')).toBe(1);
  });

  it.each([
    ['a wrong password', { ...technician, password: 'wrong' }, 'bad_credentials'],
    ['an unknown e-mail address', { ...technician, email: 'unknown@example.com' }, 'bad_credentials'],
    ['a locked account', person(/^Locked/), 'account_locked'],
    // The deployed service answers the same for an inactive account and a wrong password.
    ['an inactive account', person(/^Inactive/), dialect === 'guide' ? 'account_inactive' : 'bad_credentials'],
    ['an account that needs a captcha', person(/^Captcha/), 'captcha_required'],
    ['an employee with a wrong password', { ...employee, password: 'wrong' }, 'bad_credentials'],
  ])('rejects %s with its reason and sets no cookie', async (_name, credentials, reason) => {
    const browser = shared.browser();
    expect(await errorDataOf(browser.trpc.session.login.mutate(credentials))).toMatchObject({
      code: 'UNAUTHORIZED',
      reason,
    });
    expect(browser.setCookies).toEqual([]);
  });

  it('forwards the captcha answer', async () => {
    const answer = shared.browser().trpc.session.login.mutate({ ...person(/^Captcha/), captchaToken: 'captcha-ok' });
    expect(await answer).toMatchObject({ status: 'signed_in' });
  });

  it('requires the second factor and signs in with the code', async () => {
    await using app = await startApp({ dialect });
    const browser = app.browser();
    const answer = await browser.trpc.session.login.mutate(secondFactor);
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    expect(browser.cookies.size).toBe(0);

    const code = app.authService.lastCode(secondFactor.email) ?? '';
    const signedIn = await browser.trpc.session.verifyOtp.mutate({ challenge: answer.challenge, code });
    expect(signedIn).toMatchObject({ status: 'signed_in', session: { user: { type: 'staff' } } });
    expect((await browser.trpc.session.me.query()).user.email).toBe(secondFactor.email);
  });

  it('accepts a challenge for one success only', async () => {
    await using app = await startApp({ dialect });
    const answer = await app.browser().trpc.session.login.mutate(secondFactor);
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    const { challenge } = answer;
    const code = app.authService.lastCode(secondFactor.email) ?? '';
    await app.browser().trpc.session.verifyOtp.mutate({ challenge, code });
    const asked = app.authService.count('staff-otp');
    expect(await reasonOf(app.browser().trpc.session.verifyOtp.mutate({ challenge, code }))).toBe('otp_expired');
    expect(app.authService.count('staff-otp')).toBe(asked);
  });

  it('rejects a challenge after its last attempt, even if all attempts are parallel', async () => {
    await using app = await startApp({ dialect });
    const answer = await app.browser().trpc.session.login.mutate(secondFactor);
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    const { challenge } = answer;
    const right = app.authService.lastCode(secondFactor.email) ?? '';
    const wrong = right === '000000' ? '111111' : '000000';
    const guesses = Array.from({ length: 8 }, () =>
      reasonOf(app.browser().trpc.session.verifyOtp.mutate({ challenge, code: wrong })),
    );
    const reasons = (await Promise.all(guesses)).toSorted();
    const attempts = attemptsOf[dialect];
    expect(reasons.filter((reason) => reason === 'otp_invalid')).toHaveLength(attempts - 1);
    expect(reasons.filter((reason) => reason === 'otp_expired')).toHaveLength(9 - attempts);
    expect(app.authService.count('staff-otp')).toBe(attempts);
    expect(await reasonOf(app.browser().trpc.session.verifyOtp.mutate({ challenge, code: right }))).toBe('otp_expired');
    expect(app.authService.count('staff-otp')).toBe(attempts);
  });

  it('accepts the right code in the last attempt, and answers otp_expired to a wrong one', async () => {
    await using app = await startApp({ dialect });
    const { trpc } = app.browser();
    const begin = async () => {
      const answer = await trpc.session.login.mutate(secondFactor);
      if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
      const right = app.authService.lastCode(secondFactor.email) ?? '';
      const verify = (code: string) => trpc.session.verifyOtp.mutate({ challenge: answer.challenge, code });
      return { verify, right, wrong: right === '000000' ? '111111' : '000000' };
    };
    for (const isRight of [true, false]) {
      const { verify, right, wrong } = await begin();
      for (let attempt = 1; attempt < attemptsOf[dialect]; attempt += 1) {
        expect(await reasonOf(verify(wrong))).toBe('otp_invalid');
      }
      const last = verify(isRight ? right : wrong);
      expect(isRight ? (await last).status : await reasonOf(last)).toBe(isRight ? 'signed_in' : 'otp_expired');
    }
  });

  it.each([
    ['Pending', /waiting for approval/],
    ['Rejected', /was rejected/],
    ['inactive', /not active|was rejected/],
  ] as const)('rejects a %s employee as account_inactive and names the status', async (status, message) => {
    await using app = await startApp({ dialect });
    app.authService.changePerson({ type: 'employee', id: 1 }, { status });
    const browser = app.browser();
    const data = await errorDataOf(browser.trpc.session.login.mutate(employee));
    expect(data).toMatchObject({ code: 'UNAUTHORIZED', reason: 'account_inactive' });
    expect(data.message).toMatch(message);
    expect(browser.setCookies).toEqual([]);
    const wrong = browser.trpc.session.login.mutate({ ...employee, password: 'wrong' });
    expect(await reasonOf(wrong)).toBe('bad_credentials');
  });

  it.each([
    ['Pending', /waiting for approval/],
    ['Rejected', /was rejected/],
  ] as const)('rejects %s staff with the role Employee as account_inactive', async (status, message) => {
    await using app = await startApp({ dialect });
    app.authService.changePerson({ type: 'staff', id: 123 }, { status, roles: [{ system: 'HDTS', role: 'Employee' }] });
    const data = await errorDataOf(app.browser().trpc.session.login.mutate(technician));
    expect(data).toMatchObject({ code: 'UNAUTHORIZED', reason: 'account_inactive' });
    expect(data.message).toMatch(message);
  });

  it('answers account_locked after many wrong passwords in a row', async () => {
    const clock = createClock();
    await using app = await startApp({ dialect, now: clock.now });
    const reasons: unknown[] = [];
    for (let tries = 0; tries < 25; tries += 1) {
      // An unknown device has three attempts in half an hour. An account without an earlier sign-in has no further protection.
      if (tries % 3 === 0) clock.advance(30 * 60_000);
      reasons.push(await reasonOf(app.browser().trpc.session.login.mutate({ ...employee, password: 'wrong' })));
    }
    expect(reasons[0]).toBe('bad_credentials');
    expect(new Set(reasons)).toEqual(new Set(['bad_credentials', 'account_locked']));
  });

  it('does not count an attempt without a verdict of the Auth Service', async () => {
    await using app = await startApp({ dialect });
    const browser = app.browser();
    const answer = await browser.trpc.session.login.mutate(secondFactor);
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    const code = app.authService.lastCode(secondFactor.email) ?? '';
    app.authService.fault('staff-otp', { kind: 'status', status: 503 });
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const call = browser.trpc.session.verifyOtp.mutate({ challenge: answer.challenge, code });
      expect(await reasonOf(call)).toBe('auth_service_unavailable');
    }
    app.authService.clearFaults();
    const call = browser.trpc.session.verifyOtp.mutate({ challenge: answer.challenge, code });
    expect(await call).toMatchObject({ status: 'signed_in' });
  });

  it('rejects a challenge after ten minutes', async () => {
    const clock = createClock();
    await using app = await startApp({ dialect, now: clock.now });
    const browser = app.browser();
    const answer = await browser.trpc.session.login.mutate(secondFactor);
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    const code = app.authService.lastCode(secondFactor.email) ?? '';
    clock.advance(10 * 60_000);
    const call = browser.trpc.session.verifyOtp.mutate({ challenge: answer.challenge, code });
    expect(await reasonOf(call)).toBe('otp_expired');
    expect(app.authService.count('staff-otp')).toBe(0);
  });

  it('rejects a challenge that it did not issue', async () => {
    await using app = await startApp({ dialect });
    await using other = await startApp({
      dialect,
      env: { SEALING_KEY: 'another-sealing-key-that-is-long-enough-0123' },
    });
    const answer = await other.browser().trpc.session.login.mutate(secondFactor);
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    for (const challenge of [answer.challenge, 'nonsense', 'a.b.c.d.e', `${answer.challenge}x`]) {
      const call = app.browser().trpc.session.verifyOtp.mutate({ challenge, code: '123456' });
      expect(await reasonOf(call)).toBe('otp_expired');
    }
    expect(app.authService.count('staff-otp')).toBe(0);
  });
});

it('a sign-in without a refresh token removes the refresh token of an earlier session', async () => {
  await using app = await startApp();
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue({ type: 'staff', id: 5 }));
  app.authService.fault('staff-login', {
    kind: 'transform',
    answer: ({ headers, ...answer }) => ({
      ...answer,
      headers: {
        ...headers,
        'set-cookie': [headers['set-cookie'] ?? []].flat().filter((line) => line.startsWith('access_token')),
      },
    }),
  });
  expect(await browser.trpc.session.login.mutate(technician)).toMatchObject({ status: 'signed_in' });
  expect([...browser.cookies.keys()]).toEqual(['access_token', 'auth_bff_device']);
});

it('an employee signs in with a second factor if the Auth Service supports it', async () => {
  await using app = await startApp({ dialect: 'guide' });
  const browser = app.browser();
  const answer = await browser.trpc.session.login.mutate(employeeSecondFactor);
  if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
  const code = app.authService.lastCode(employeeSecondFactor.email) ?? '';
  const signedIn = await browser.trpc.session.verifyOtp.mutate({ challenge: answer.challenge, code });
  expect(signedIn.session.user).toMatchObject({ id: 2, type: 'employee' });
});

it("an employee's sign-in with the broken second factor of the deployed service fails with auth_service_contract", async () => {
  await using app = await startApp({ dialect: 'deployed' });
  const browser = app.browser();
  const answer = await browser.trpc.session.login.mutate(employeeSecondFactor);
  if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
  const code = app.authService.lastCode(employeeSecondFactor.email) ?? '123456';
  const data = await errorDataOf(browser.trpc.session.verifyOtp.mutate({ challenge: answer.challenge, code }));
  expect(data).toMatchObject({ code: 'BAD_GATEWAY', reason: 'auth_service_contract' });
  expect(data.message).toContain('redirect');
  expect(browser.cookies.size).toBe(0);
});
