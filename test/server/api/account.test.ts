import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { breachedPassword } from '../../../server/dev/auth-service/account/password-rules.ts';
import type { EndpointName } from '../../../server/dev/auth-service/auth-service.ts';
import type { Subject } from '../../../server/dev/auth-service/people/people.ts';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { dialects, startApp, type StartAppOptions, type TestApp } from '../../support/app/start-app.ts';

const staffPassword = 'staff-pass-1';
const employeePassword = 'employee-pass-1';
const newPassword = 'correct horse battery';

/** Staff endpoints by their paths: every path of `users/` and `tts/` takes an employee for the staff user of that id. */
const isStaffPath = (path: string) => /^\/api\/v1\/(users|tts|system-roles)\//.test(path);

const toAs = (app: TestApp) => async (subject: Subject) => {
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue(subject));
  return browser;
};

const staff = (id: number): Subject => ({ type: 'staff', id });
const employee = (id: number): Subject => ({ type: 'employee', id });
const tokenIn = (text = ''): string => /token=([\w-]+)/.exec(text)?.[1] ?? '';

describe.each(dialects)('account.* in the %s dialect', (dialect) => {
  let app: TestApp;
  let as: ReturnType<typeof toAs>;
  const mailsTo = (email: string) => app.authService.mails.filter(({ to }) => to === email);
  const lastMail = (email: string) => mailsTo(email).at(-1)?.text;
  const signIn = (person: { email: string; password: string; as?: 'employee' }) =>
    app.browser().trpc.session.login.mutate(person);

  beforeAll(async () => {
    app = await startApp({
      dialect,
      env: { AUTH_SERVICE_PUBLIC_URL: 'https://auth.example.com/idp' },
      authService: { allowedHosts: ['auth.example.com'] },
    });
    as = toAs(app);
  });
  afterAll(() => app[Symbol.asyncDispose]());

  it('account.profile shows staff their own profile, with the picture on the public address', async () => {
    const { trpc } = await as(staff(5));
    const profile = await trpc.account.profile.query();
    expect(profile).toMatchObject({
      type: 'staff',
      id: 5,
      middleName: null,
      suffix: null,
      fullName: `${profile.firstName} ${profile.lastName}`,
      phoneNumber: '+639184441005',
      companyId: 'MA0186',
      isActive: true,
      pictureUrl: 'https://auth.example.com/idp/media/profile_pics/5.png',
      secondFactor: false,
      joinedAt: expect.any(Date),
      lastSignInAt: null,
      systems: expect.arrayContaining(['HDTS']),
      roles: expect.arrayContaining([{ system: 'HDTS', role: 'Agent' }]),
    });
  });

  it('account.profile shows employees their own profile and not that of the staff user with the same id', async () => {
    const { trpc } = await as(employee(6));
    expect(await trpc.account.profile.query()).toMatchObject({
      type: 'employee',
      id: 6,
      email: 'fernando.aquino@partners.example.com',
      firstName: 'Fernando',
      suffix: 'Jr.',
      fullName: 'Fernando Aquino Jr.',
      isActive: null,
      pictureUrl: 'https://auth.example.com/idp/media/employees/6.png',
      joinedAt: expect.any(Date),
    });
  });

  it('account.updateProfile changes and clears fields of staff, and account.profile shows them at once', async () => {
    app.authService.changePerson(staff(12), { is_staff: true });
    const { trpc } = await as(staff(12));
    const changes = { firstName: 'Anne', middleName: 'Marie', suffix: 'III', phoneNumber: '+15551234567' };
    const changed = await trpc.account.updateProfile.mutate({ ...changes, username: 'anne.the.third' });
    expect(changed).toMatchObject({ ...changes, username: 'anne.the.third', type: 'staff', id: 12 });
    const cleared = { middleName: null, suffix: '', phoneNumber: null };
    expect(await trpc.account.updateProfile.mutate(cleared)).toMatchObject({
      middleName: null,
      suffix: null,
      phoneNumber: null,
    });
    expect(await trpc.account.profile.query()).toMatchObject({ firstName: 'Anne', suffix: null });
  });

  it('account.updateProfile changes and clears fields of employees', async () => {
    const { trpc } = await as(employee(10));
    const changes = { firstName: 'Jay', middleName: 'M.', phoneNumber: '09171234567', department: 'IT Department' };
    expect(await trpc.account.updateProfile.mutate(changes)).toMatchObject({
      ...changes,
      type: 'employee',
      id: 10,
      suffix: 'III',
    });
    const cleared = { suffix: null, middleName: '', phoneNumber: null };
    const profile = await trpc.account.updateProfile.mutate(cleared);
    expect(profile).toMatchObject({ suffix: null, middleName: null, phoneNumber: null });
    expect(await trpc.account.profile.query()).toEqual(profile);
  });

  it('account.updateProfile names each refused field by our name', async () => {
    const asEmployee = (await as(employee(11))).trpc.account.updateProfile;
    const asStaff = (await as(staff(123))).trpc.account.updateProfile;
    expect(await errorDataOf(asEmployee.mutate({ suffix: 'ZZ', phoneNumber: '123' }))).toMatchObject({
      reason: 'invalid_input',
      issues: [
        // The text of the Auth Service repeats the value.
        { path: 'suffix', message: 'This suffix is not accepted.' },
        { path: 'phoneNumber', message: 'Phone number must be in E.164 format or start with 09 and have 11 digits.' },
      ],
    });
    expect(await errorDataOf(asStaff.mutate({ phoneNumber: '09171234567', username: 'maria.santos' }))).toMatchObject({
      reason: 'invalid_input',
      issues: [
        { path: 'username', message: 'A user with this username already exists.' },
        {
          path: 'phoneNumber',
          message: 'Phone number must be in E.164 format (e.g., +15551234567). Ensure country code is included.',
        },
      ],
    });
  });

  it('account.updateProfile names each field that the person may not change', async () => {
    const issuesFor = (...paths: string[]) => ({
      reason: 'insufficient_permissions',
      issues: paths.map((path) => ({ path, message: 'You may not change this.' })),
    });
    const asEmployee = (await as(employee(11))).trpc.account.updateProfile;
    const asStaff = (await as(staff(123))).trpc.account.updateProfile;
    app.authService.resetCalls();
    expect(await errorDataOf(asEmployee.mutate({ username: 'x', firstName: 'X' }))).toMatchObject(
      issuesFor('username'),
    );
    expect(await errorDataOf(asStaff.mutate({ department: 'IT' }))).toMatchObject(issuesFor('department'));
    expect(app.authService.count()).toBe(0);
    const changes = { firstName: 'X', phoneNumber: '+15551234567', lastName: 'Y' };
    if (dialect === 'guide') return;
    expect(await errorDataOf(asStaff.mutate(changes))).toMatchObject(issuesFor('firstName', 'lastName'));
  });

  it.each([
    [staff(20), 'staff', staffPassword],
    [employee(12), 'employee', employeePassword],
  ] as const)('account.changePassword changes the password of %o', async (subject, type, currentPassword) => {
    const { trpc } = await as(subject);
    const { email } = await trpc.account.profile.query();
    const change = (passwords: { currentPassword: string; newPassword: string }) =>
      trpc.account.changePassword.mutate({ ...passwords, endOtherSessions: false });
    expect(await errorDataOf(change({ currentPassword: 'not-this-one', newPassword }))).toMatchObject({
      reason: 'invalid_input',
      issues: [{ path: 'currentPassword', message: 'The current password is wrong.' }],
    });
    expect(await change({ currentPassword, newPassword })).toBeNull();
    const person = { email, ...(type === 'employee' ? { as: type } : {}) };
    expect(await reasonOf(signIn({ ...person, password: currentPassword }))).toBe('bad_credentials');
    expect(await signIn({ ...person, password: newPassword })).toMatchObject({ status: 'signed_in' });
  });

  it('account.changePassword says what is wrong with the new password', async () => {
    const asEmployee = (await as(employee(14))).trpc.account.changePassword;
    const asStaff = (await as(staff(123))).trpc.account.changePassword;
    const issueOf = async (call: Promise<unknown>) => (await errorDataOf(call)).issues;
    const at = (message: string) => [{ path: 'newPassword', message }];
    const current = { currentPassword: staffPassword };
    expect(await issueOf(asStaff.mutate({ ...current, newPassword: 'password123' }))).toEqual(
      at('Password is too common.'),
    );
    expect(await issueOf(asStaff.mutate({ ...current, newPassword: breachedPassword }))).toEqual(
      at('This password has been found in data breaches. Please choose a different password.'),
    );
    const same = { currentPassword: employeePassword, newPassword: employeePassword };
    expect(await issueOf(asEmployee.mutate(same))).toEqual(at('New password must be different from old password.'));
  });

  it.each([
    [staff(24), undefined, staffPassword],
    [employee(15), 'employee', employeePassword],
  ] as const)('account.resetPassword sets a password with the link in the mail of %o', async (subject, type, old) => {
    const { email } = await (await as(subject)).trpc.account.profile.query();
    const person = { email, ...(type === undefined ? {} : { as: type }) };
    const { account } = app.browser().trpc;
    expect(await account.requestPasswordReset.mutate(person)).toBeNull();
    const link = /https?:\S+/.exec(lastMail(email) ?? '')?.[0] ?? '';
    expect(new URL(link).host).toBe('auth.example.com');
    const token = tokenIn(link);
    const reset = (password: string) =>
      account.resetPassword.mutate({ token, newPassword: password, ...(type === undefined ? {} : { as: type }) });
    expect(await reset(newPassword)).toBeNull();
    expect(await reasonOf(reset(newPassword))).toBe('reset_link_invalid');
    expect(await reasonOf(signIn({ ...person, password: old }))).toBe('bad_credentials');
    expect(await signIn({ ...person, password: newPassword })).toMatchObject({ status: 'signed_in' });
  });

  it('account.requestPasswordReset answers the same for unknown addresses and sends nothing', async () => {
    const sent = app.authService.mails.length;
    const { account } = app.browser().trpc;
    const email = 'nobody@example.com';
    expect(await account.requestPasswordReset.mutate({ email })).toBeNull();
    expect(await account.requestPasswordReset.mutate({ email, as: 'employee' })).toBeNull();
    expect(app.authService.mails.length).toBe(sent);
  });

  it('account.resetPassword says what is wrong with the new password, and the link stays valid', async () => {
    const { account } = app.browser().trpc;
    await account.requestPasswordReset.mutate({ email: 'user@example.com' });
    const token = tokenIn(lastMail('user@example.com'));
    expect(await errorDataOf(account.resetPassword.mutate({ token, newPassword: 'password123' }))).toMatchObject({
      reason: 'invalid_input',
      issues: [{ path: 'newPassword', message: 'Password is too common.' }],
    });
    expect(await account.resetPassword.mutate({ token, newPassword: staffPassword })).toBeNull();
  });

  it('a password-reset token of staff is no token of an employee', async () => {
    const { account } = app.browser().trpc;
    await account.requestPasswordReset.mutate({ email: 'user@example.com' });
    const token = tokenIn(lastMail('user@example.com'));
    expect(await reasonOf(account.resetPassword.mutate({ token, newPassword, as: 'employee' }))).toBe(
      'reset_link_invalid',
    );
  });

  it('account.secondFactor enables the second factor of staff, and disables it with a code', async () => {
    const { trpc } = await as(staff(33));
    const { email } = await trpc.account.profile.query();
    const { secondFactor } = trpc.account;
    const disabled = {
      reason: 'invalid_input',
      issues: [{ path: 'action', message: expect.stringMatching(/not enabled/) }],
    };
    const wrong = {
      reason: 'invalid_input',
      issues: [{ path: 'password', message: 'The current password is wrong.' }],
    };
    const disable = (password: string, code?: string) =>
      secondFactor.mutate({ action: 'disable', password, ...(code === undefined ? {} : { code }) });

    expect(await errorDataOf(secondFactor.mutate({ action: 'requestCode' }))).toMatchObject(disabled);
    expect(await errorDataOf(secondFactor.mutate({ action: 'enable', password: 'wrong' }))).toMatchObject(wrong);
    expect(await secondFactor.mutate({ action: 'enable', password: staffPassword })).toBeNull();
    expect(await signIn({ email, password: staffPassword })).toMatchObject({ status: 'otp_required' });

    expect(await errorDataOf(disable(staffPassword))).toMatchObject({
      reason: 'invalid_input',
      issues: [{ path: 'code', message: expect.stringContaining('requestCode') }],
    });
    await secondFactor.mutate({ action: 'requestCode' });
    const code = app.authService.lastCode(email) ?? '';
    expect(await errorDataOf(disable('wrong', code))).toMatchObject(wrong);
    expect(await reasonOf(disable(staffPassword, code === '000000' ? '000001' : '000000'))).toBe('otp_invalid');
    expect(await disable(staffPassword, code)).toBeNull();
    expect(await trpc.account.profile.query()).toMatchObject({ secondFactor: false });
    expect(await errorDataOf(disable(staffPassword, code))).toMatchObject(disabled);
  });

  it('account.secondFactor enables and disables the second factor of employees without a code', async () => {
    const { trpc } = await as(employee(16));
    const { secondFactor } = trpc.account;
    expect(await errorDataOf(secondFactor.mutate({ action: 'enable', password: 'wrong' }))).toMatchObject({
      issues: [{ path: 'password', message: 'The current password is wrong.' }],
    });
    await secondFactor.mutate({ action: 'enable', password: employeePassword });
    expect(await trpc.account.profile.query()).toMatchObject({ secondFactor: true });
    expect(await errorDataOf(secondFactor.mutate({ action: 'requestCode' }))).toMatchObject({
      reason: 'not_supported',
      message: expect.stringContaining('2fa/request-otp-authenticated/'),
    });
    await secondFactor.mutate({ action: 'disable', password: employeePassword });
    expect(await trpc.account.profile.query()).toMatchObject({ secondFactor: false });
  });

  it('no call of an employee reaches a staff endpoint, and no token of staff an employee endpoint', async () => {
    app.authService.resetCalls();
    const callAll = async (subject: Subject) => {
      const { trpc } = await as(subject);
      const { account } = trpc;
      const calls: Array<() => Promise<unknown>> = [
        () => account.profile.query(),
        () => account.updateProfile.mutate({ phoneNumber: '+15557654321' }),
        () => account.changePassword.mutate({ currentPassword: 'wrong', newPassword, endOtherSessions: false }),
        () => account.secondFactor.mutate({ action: 'enable', password: 'wrong' }),
        () => account.secondFactor.mutate({ action: 'requestCode' }),
        () => account.secondFactor.mutate({ action: 'disable', password: 'wrong', code: '123456' }),
      ];
      // oxlint-disable-next-line no-await-in-loop -- the calls change the same person
      for (const call of calls) await call().catch(() => null);
      const own = app.authService.calls.map(({ path }) => path).filter((path) => path.startsWith('/api/v1/'));
      app.authService.resetCalls();
      return own;
    };
    const ofEmployee = await callAll(employee(1));
    const ofStaff = await callAll(staff(1));
    expect([ofEmployee.length, ofStaff.length]).toEqual([5, 6]);
    expect(ofEmployee.filter(isStaffPath)).toEqual([]);
    expect(ofStaff.filter((path) => !isStaffPath(path))).toEqual([]);
  });

  it('no password appears in a log line', () => {
    const lines = JSON.stringify(app.logLines);
    const passwords = [staffPassword, employeePassword, newPassword, breachedPassword, 'password123'];
    expect(passwords.filter((password) => lines.includes(password))).toEqual([]);
  });
});

const accountEndpoints: EndpointName[] = [
  'staff-profile-update',
  'employee-profile-update',
  'staff-password-change',
  'staff-password-change-older',
  'employee-password-change',
  'staff-password-forgot',
  'employee-password-forgot',
  'staff-password-reset',
  'employee-password-reset',
  'staff-second-factor-enable',
  'staff-second-factor-disable',
  'employee-second-factor-enable',
  'employee-second-factor-disable',
  'staff-otp-resend',
];

describe.each(dialects)('an Auth Service of the %s dialect without account endpoints', (dialect) => {
  const start = (options: StartAppOptions = {}) => startApp({ dialect, ...options });

  it('causes not_supported with the name of the endpoint, and ends no session', async () => {
    await using app = await start({ authService: { without: accountEndpoints } });
    const as = toAs(app);
    const messages: string[] = [];
    for (const subject of [staff(123), employee(1)]) {
      // oxlint-disable no-await-in-loop -- one person after the other
      const { trpc, cookies } = await as(subject);
      const { account } = trpc;
      const { type } = subject;
      const calls = [
        account.updateProfile.mutate({ phoneNumber: '+15551234567' }),
        account.changePassword.mutate({ currentPassword: 'x', newPassword }),
        account.requestPasswordReset.mutate({ email: 'user@example.com', as: type }),
        account.resetPassword.mutate({ token: 'a-token-of-a-link', newPassword, as: type }),
        account.secondFactor.mutate({ action: 'enable', password: 'x' }),
        account.secondFactor.mutate({ action: 'disable', password: 'x', code: '123456' }),
      ];
      const errors = await Promise.all(calls.map(errorDataOf));
      expect(new Set(errors.map(({ reason }) => reason))).toEqual(new Set(['not_supported']));
      expect(cookies.size).toBe(2);
      messages.push(...errors.map(({ message }) => message));
      // oxlint-enable no-await-in-loop
    }
    const missing = (call: string) => `The Auth Service does not offer this: ${call} is missing.`;
    expect(messages).toEqual(
      [
        'PATCH /api/v1/users/profile/',
        'POST /api/v1/users/password/change/',
        'POST /api/v1/users/password/forgot/',
        'POST /api/v1/users/password/reset/',
        'POST /api/v1/users/2fa/enable/',
        'POST /api/v1/users/2fa/disable/',
        'PATCH /api/v1/hdts/employees/api/profile/',
        'POST /api/v1/hdts/employees/api/profile/change-password/',
        'POST /api/v1/hdts/employees/api/password/forgot/',
        'POST /api/v1/hdts/employees/api/password/reset/',
        'POST /api/v1/hdts/employees/api/2fa/enable/',
        'POST /api/v1/hdts/employees/api/2fa/disable/',
      ].map(missing),
    );
  });

  it('is asked by the older endpoint if it lacks only the newer one for changed passwords', async () => {
    await using app = await start({ authService: { without: ['staff-password-change'] } });
    const { trpc } = await toAs(app)(staff(123));
    await trpc.account.changePassword.mutate({ currentPassword: staffPassword, newPassword, endOtherSessions: false });
    expect(app.authService.count('staff-password-change-older')).toBe(1);
  });
});

describe('the Host of password-reset mails', () => {
  it('is the own host of the BFF if a frontend has the page, and never the Host of the caller', async () => {
    const env = { PUBLIC_URL: 'https://bff.example.com:8443', PASSWORD_RESET_URL: 'https://app.example.com/new' };
    await using app = await startApp({
      dialect: 'deployed',
      env,
      authService: { allowedHosts: ['bff.example.com'] },
    });
    const browser = app.browser({ headers: { 'x-forwarded-host': 'evil.example' } });
    await browser.trpc.account.requestPasswordReset.mutate({ email: 'user@example.com' });
    expect(app.authService.mails.at(-1)?.text).toContain('//bff.example.com:8443/api/v1/users/password/reset?token=');
    // Other calls keep the host of AUTH_SERVICE_URL.
    await browser.trpc.account.resetPassword.mutate({ token: 'a-token-of-a-link', newPassword }).catch(() => null);
    expect(app.authService.calls.at(-1)?.headers.host).toBe(new URL(app.authService.url).host);
  });

  it('is named if the Auth Service refuses it, with the setting to change', async () => {
    const page = { body: '<h1>Bad Request (400)</h1>', contentType: 'text/html' };
    for (const fault of [{ kind: 'status', status: 400, ...page } as const, null]) {
      // oxlint-disable no-await-in-loop -- one app after the other
      await using app = await startApp({ env: { AUTH_SERVICE_PUBLIC_URL: 'https://auth.example.com' } });
      app.authService.fault('staff-password-forgot', fault);
      const call = app.browser().trpc.account.requestPasswordReset.mutate({ email: 'user@example.com' });
      expect(await errorDataOf(call)).toMatchObject({
        reason: 'auth_service_contract',
        message: expect.stringMatching(/refuses the host auth\.example\.com .*ALLOWED_HOSTS/),
      });
      // oxlint-enable no-await-in-loop
    }
  });
});
