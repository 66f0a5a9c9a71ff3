import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import type { Subject } from '../../../../server/dev/auth-service/people/people.ts';
import { EMPLOYEE, sendRequest, STAFF, start } from './send-request.ts';

const HOUR_MS = 60 * 60_000;
let time = Date.UTC(2030, 0, 1);
let service: EmbeddedAuthService;

const staff = (id: number): Subject => ({ type: 'staff', id });
const employee = (id: number): Subject => ({ type: 'employee', id });
const profiles = { staff: 'v1/users/profile/', employee: 'v1/hdts/employees/api/profile/' };

/** Status and body of a request, by JSON with the token of a person. */
const send = async (method: string, path: string, json?: unknown, who: Subject | null = null) => {
  const token = who === null ? undefined : (await service.issue(who)).access;
  const { status, body, headers } = await sendRequest(`${service.url}/api/${path}`, {
    method,
    ...(json === undefined ? {} : { json }),
    ...(token === undefined ? {} : { token }),
  });
  return { status, body, location: headers.get('location') };
};
const post = (path: string, json?: unknown, who: Subject | null = null) => send('POST', path, json, who);
const patch = (json: unknown, who: Subject) => send('PATCH', profiles[who.type], json, who);
const form = (text: string) => ({ status: 400, body: { non_field_errors: [text] } });
const field = (name: string, text: string) => ({ status: 400, body: { [name]: [text] } });
const lastToken = () => /token=([\w-]+)/.exec(service.mails.at(-1)?.text ?? '')?.[1] ?? '';

beforeAll(async () => {
  service = await start({ dialect: 'deployed', now: () => time });
});
afterAll(() => service.close());

describe('the profile in the deployed dialect', () => {
  it('may be changed by staff without is_staff in three fields only', async () => {
    const detail =
      'You can only update: phone_number, profile_picture, username. Attempted to update restricted fields: first_name';
    expect(await patch({ username: 'x', first_name: 'X' }, staff(123))).toMatchObject({
      status: 403,
      body: { error: 'Permission denied', detail },
    });
    expect(await patch({ phone_number: '' }, staff(123))).toMatchObject({ status: 200, body: { phone_number: null } });
  });

  it('ignores fields of staff with is_staff that nobody may change, without a word', async () => {
    service.changePerson(staff(12), { is_staff: true });
    const { status, body } = await patch({ department: 'X', status: 'Rejected', suffix: 'ZZ' }, staff(12));
    expect([status, body]).toMatchObject([
      200,
      { status: 'Approved', suffix: 'ZZ', department: expect.not.stringMatching('X') },
    ]);
  });

  it.each([
    ['username', 'maria.santos', 'A user with this username already exists.'],
    ['username', 'x'.repeat(151), 'Ensure this field has no more than 150 characters.'],
    ['username', {}, 'Not a valid string.'],
    [
      'phone_number',
      '09171234567',
      'Phone number must be in E.164 format (e.g., +15551234567). Ensure country code is included.',
    ],
    ['profile_picture', 'a.png', 'The submitted data was not a file. Check the encoding type on the form.'],
  ])('refuses %s %j of staff', async (name, value, text) => {
    expect(await patch({ [name]: value }, staff(123))).toMatchObject(field(name, text));
  });

  it('tells employees of ignored fields that they were changed, with the path of the picture', async () => {
    const { body } = await patch({ first_name: 'Fe', username: 'nobody', email: 'x@example.com' }, employee(6));
    expect(body).toMatchObject({
      employee: { first_name: 'Fe', username: 'fernando.aquino', profile_picture: '/media/employees/6.png' },
      updated_fields: ['first_name', 'username', 'email'],
      message: 'Successfully updated 3 field(s)',
    });
    expect((await send('PUT', profiles.employee, {}, employee(6))).body).toEqual({
      employee: expect.objectContaining({ id: 6 }),
      message: 'Profile fully updated successfully',
    });
  });

  it.each([
    ['suffix', 'ZZ', '"ZZ" is not a valid choice.'],
    ['department', 'Sales', '"Sales" is not a valid choice.'],
    ['phone_number', '+639175551037', 'Employee with this phone number already exists.'],
    ['first_name', null, 'This field may not be null.'],
  ])('refuses %s %j of employees', async (name, value, text) => {
    expect(await patch({ [name]: value }, employee(7))).toMatchObject(field(name, text));
  });

  it('takes forms, and pictures of which it serves the bytes', async () => {
    const { access } = await service.issue(staff(123));
    const gif = Buffer.concat([Buffer.from('GIF89a'), Buffer.from([1, 0, 1, 0]), Buffer.alloc(40)]);
    const body = new FormData();
    body.set('profile_picture', new Blob([gif]), 'a.gif');
    body.set('username', 'johnny');
    const answer = await fetch(`${service.url}/api/${profiles.staff}`, {
      method: 'PATCH',
      headers: { cookie: `access_token=${access}` },
      body,
    });
    const { profile_picture: picture, username } = (await answer.json()) as Record<string, string>;
    expect([answer.status, username]).toEqual([200, 'johnny']);
    expect(picture).toMatch(new RegExp(`^${service.url}/media/profile_pics/\\w+\\.gif$`));
    const served = await fetch(picture ?? '');
    expect(served.headers.get('content-type')).toBe('image/gif');
    expect(Buffer.from(await served.arrayBuffer()).equals(gif)).toBe(true);
    expect((await sendRequest(`${service.url}/media/profile_pics/nothing.png`)).status).toBe(404);
    await using other = await start({ dialect: 'deployed' });
    expect((await fetch(`${other.url}${new URL(picture ?? '').pathname}`)).status).toBe(404);
  });

  it('takes the token of an employee for the staff user with that id, as the real service does', async () => {
    const { access: token } = await service.issue(employee(9));
    const answer = await sendRequest(`${service.url}/api/${profiles.staff}`, {
      method: 'PATCH',
      token,
      json: { username: 'taken.over' },
    });
    expect(answer).toMatchObject({ status: 200, body: { id: 9, username: 'taken.over' } });
  });
});

describe('passwords in the deployed dialect', () => {
  const change = 'v1/users/password/change/';
  const older = 'v1/users/change-password/';
  const ofEmployee = 'v1/hdts/employees/api/profile/change-password/';
  const current = { current_password: STAFF.password };

  it('redirect to the login page without a token, except at the older endpoint', async () => {
    for (const path of [change, ofEmployee, 'v1/users/2fa/enable/', 'v1/hdts/employees/api/2fa/disable/']) {
      // oxlint-disable-next-line no-await-in-loop -- four requests
      expect([path, await post(path, {})]).toMatchObject([path, { status: 302, location: '/staff/login/' }]);
    }
    expect(await post(older, {})).toMatchObject({ status: 401 });
    expect(await post(ofEmployee, {}, staff(123))).toMatchObject({ status: 302, location: '/staff/settings/profile/' });
  });

  it.each([
    [{ current_password: 'wrong' }, field('current_password', 'Current password is incorrect.')],
    [{ new_password: 'short' }, field('new_password', 'Password must be at least 8 characters long.')],
    [{ new_password: 'Password123' }, field('new_password', 'Password is too common.')],
    [{ new_password: 'my-john.doe-1' }, field('new_password', 'Password must not contain your username.')],
    [{ new_password: 'super-user-1' }, field('new_password', 'Password must not contain part of your email address.')],
    [{ new_password: undefined }, field('new_password', 'This field is required.')],
  ])('of staff are refused: %j', async (fields, expected) => {
    service.changePerson(staff(123), { username: 'john.doe' });
    const { new_password: password = 'a-good-password', ...rest } = { ...current, ...fields } as Record<string, string>;
    const json = {
      ...rest,
      ...('new_password' in fields && fields.new_password === undefined ? {} : { new_password: password }),
    };
    expect(await post(older, json, staff(123))).toMatchObject(expected);
    expect(await post(change, { ...json, new_password_confirm: password }, staff(123))).toMatchObject(expected);
  });

  it('of staff must be repeated at the newer endpoint, and old tokens stay valid', async () => {
    const person = staff(20);
    const { access: token } = await service.issue(person);
    const json = { ...current, new_password: 'a-good-password', new_password_confirm: 'a-bad-password' };
    expect(await post(change, json, person)).toMatchObject(field('new_password_confirm', 'Passwords do not match.'));
    expect(await post(change, { ...json, new_password_confirm: json.new_password }, person)).toMatchObject({
      status: 200,
      body: { detail: 'Password reset successful.' },
    });
    const again = { current_password: json.new_password, new_password: json.new_password };
    expect(await post(older, again, person)).toMatchObject({ body: { detail: 'Password changed successfully.' } });
    expect((await sendRequest(`${service.url}/api/${profiles.staff}`, { token })).status).toBe(200);
  });

  it('of employees are refused and changed, with a mail', async () => {
    const fields = (old: string, password: string, confirmed = password) => ({
      old_password: old,
      new_password: password,
      confirm_password: confirmed,
    });
    const { password } = EMPLOYEE;
    const rows = [
      [fields('wrong', 'password123'), { status: 400, body: { detail: 'Old password is incorrect' } }],
      [fields(password, 'abcdefgh', 'x'), form('New passwords do not match.')],
      [fields(password, password), form('New password must be different from old password.')],
      [fields(password, 'short'), form('Password must be at least 8 characters long.')],
      [fields(password, 'password123'), { status: 200, body: { message: 'Password changed successfully' } }],
    ] as const;
    for (const [json, expected] of rows) {
      // oxlint-disable-next-line no-await-in-loop -- in this order
      expect(await post(ofEmployee, json, employee(12))).toMatchObject(expected);
    }
    expect(service.mails.at(-1)).toMatchObject({ subject: 'Password Changed' });
  });

  it.each([
    ['staff', 'v1/users/password/', 'user@example.com', HOUR_MS],
    ['employee', 'v1/hdts/employees/api/password/', 'gwen.pritchard@partners.example.com', 24 * HOUR_MS],
  ] as const)('of %s are reset once, by the newest link, until it expires', async (type, folder, email, lifetimeMs) => {
    const forgot = () => post(`${folder}forgot/`, { email });
    const reset = (token: string, password = 'a-good-password') =>
      post(
        `${folder}reset/`,
        type === 'staff'
          ? { token, password, password_confirm: password }
          : { token, new_password: password, confirm_password: password },
      );
    const invalid =
      type === 'staff' ? form('Invalid or expired reset token') : field('token', 'Invalid or expired reset token.');
    await forgot();
    const oldest = lastToken();
    expect(oldest).toHaveLength(type === 'staff' ? 64 : 43);
    await forgot();
    expect(await reset(oldest)).toMatchObject(invalid);
    time += lifetimeMs;
    expect(await reset(lastToken())).toMatchObject(invalid);
    await forgot();
    time += lifetimeMs - 1;
    expect((await reset(lastToken(), 'short')).status).toBe(400);
    expect(await reset(lastToken())).toMatchObject({ status: 200, body: { success: true } });
    expect(await reset(lastToken())).toMatchObject(invalid);
  });

  it('are mailed to active people at their exact address only, and the answer is the same', async () => {
    const sent = service.mails.length;
    const same = { message: 'If an account with that email exists, a password reset link has been sent.' };
    service.changePerson(staff(24), { is_active: false, email: 'gone@example.com' });
    for (const email of [
      'nobody@example.com',
      'USER@example.com',
      'gone@example.com',
      'alice.navarro@partners.example.com',
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- four requests
      expect(await post('v1/users/password/forgot/', { email })).toMatchObject({ status: 200, body: same });
    }
    expect(service.mails.length).toBe(sent);
    expect(await post('v1/users/password/forgot/', { email: 'x' })).toMatchObject(
      field('email', 'Enter a valid email address.'),
    );
    expect(await post('v1/hdts/employees/api/password/forgot/', {})).toMatchObject({
      status: 400,
      body: { error: 'Invalid email address.' },
    });
  });

  it('have a page for the link in the mail, whatever its token', async () => {
    for (const path of ['reset?token=x', 'reset/?token=x']) {
      // oxlint-disable-next-line no-await-in-loop -- two requests
      const page = await sendRequest(`${service.url}/api/v1/users/password/${path}`);
      expect([page.status, page.type]).toEqual([200, 'text/html; charset=utf-8']);
    }
  });
});

describe('the second factor in the deployed dialect', () => {
  it('of staff is enabled by password, and disabled by password and code', async () => {
    const person = staff(33);
    const [enable, disable, code] = ['enable', 'disable', 'request-otp-authenticated'].map(
      (name) => `v1/users/2fa/${name}/`,
    ) as [string, string, string];
    const { password } = STAFF;
    expect(await post(code, {}, person)).toMatchObject({
      status: 400,
      body: { error: '2FA is not enabled for this account' },
    });
    expect(await post(enable, { password: 'wrong' }, person)).toMatchObject(field('password', 'Invalid password'));
    expect(await post(disable, { password, otp_code: '123456' }, person)).toMatchObject(
      form('2FA is not enabled for this account'),
    );
    expect(await post(enable, { password }, person)).toMatchObject({ body: { message: '2FA enabled successfully' } });
    expect(await post(code, {}, person)).toMatchObject({ body: { expires_in_minutes: 5 } });
    const otp_code = /\d{6}/.exec(service.mails.at(-1)?.text ?? '')?.[0] ?? '';
    expect(await post(disable, { password: 'wrong', otp_code }, person)).toMatchObject(form('Invalid password'));
    expect(await post(disable, { password, otp_code: 'x' }, person)).toMatchObject(form('Invalid or expired OTP code'));
    expect(await post(disable, { password, otp_code }, person)).toMatchObject({
      body: { message: '2FA disabled successfully' },
    });
    expect((await send('GET', profiles.staff, undefined, person)).body).toMatchObject({ otp_enabled: false });
  });

  it('of employees needs no code', async () => {
    const to = (name: string, password: string) =>
      post(`v1/hdts/employees/api/2fa/${name}/`, { password }, employee(16));
    expect(await to('enable', 'wrong')).toMatchObject({ status: 400, body: { detail: 'Password is incorrect' } });
    expect(await to('enable', EMPLOYEE.password)).toMatchObject({ body: { message: '2FA enabled successfully' } });
    expect(await to('disable', EMPLOYEE.password)).toMatchObject({ body: { message: '2FA disabled successfully' } });
  });
});

describe('the mails', () => {
  it('are shown by the control API, and their links and codes are logged', async () => {
    const lines: string[] = [];
    await using own = await start({ controlPort: 0, log: (line) => void lines.push(line) });
    await sendRequest(`${own.url}/api/v1/users/password/forgot/`, { json: { email: 'user@example.com' } });
    const link = expect.stringContaining(`${own.url}/api/v1/users/password/reset?token=`);
    expect((await sendRequest(`${own.controlUrl}/mails`)).body).toEqual({
      mails: [{ at: expect.any(Number), to: 'user@example.com', subject: 'Password Reset', text: link }],
    });
    expect(lines).toEqual([expect.stringMatching(/^Password-reset link for user@example\.com: http:/)]);
  });
});
