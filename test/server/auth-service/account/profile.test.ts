import { describe, expect, it } from 'vitest';
import type { AccountAddresses } from '../../../../server/src/auth-service/account/account-calls.ts';
import { type Answer, answering, employee, failureOf, staff } from './answering.ts';

const addresses: AccountAddresses = {
  url: 'http://auth-service:8000',
  publicUrl: 'https://auth.example.com/idp',
  resetHost: 'auth.example.com',
};
const least = { id: 7, email: 'ana@example.com', first_name: 'Ana', last_name: 'Lim' };
const profileOf = (json: unknown, own: AccountAddresses | undefined = addresses, caller = staff) =>
  answering([{ json }], { addresses: own }).calls.profile(caller);

describe('a profile', () => {
  it('with the least fields has null for the others, and no systems and roles', async () => {
    expect(await profileOf(least)).toEqual({
      type: 'staff',
      id: 7,
      email: 'ana@example.com',
      username: null,
      firstName: 'Ana',
      middleName: null,
      lastName: 'Lim',
      suffix: null,
      fullName: 'Ana Lim',
      phoneNumber: null,
      companyId: null,
      department: null,
      status: null,
      isActive: null,
      pictureUrl: null,
      secondFactor: null,
      joinedAt: null,
      lastSignInAt: null,
      systems: [],
      roles: [],
    });
  });

  it('composes the full name of all its parts unless the service tells it', async () => {
    const parts = { ...least, middle_name: 'de', suffix: 'Jr.' };
    expect(await profileOf(parts)).toMatchObject({ fullName: 'Ana de Lim Jr.', middleName: 'de', suffix: 'Jr.' });
    expect(await profileOf({ ...parts, full_name: 'Lim, Ana' })).toMatchObject({ fullName: 'Lim, Ana' });
    expect(await profileOf({ ...least, first_name: '', middle_name: '', suffix: ' ' })).toMatchObject({
      fullName: 'Lim',
      firstName: '',
      middleName: null,
      suffix: null,
    });
  });

  it('has the active roles only, with systems in upper case', async () => {
    const system_roles = [
      { system_slug: 'tts', role_name: 'Agent', is_active: true },
      { system_slug: 'ams', role_name: 'Admin', is_active: false },
    ];
    expect(
      await profileOf({ ...least, system_roles, otp_enabled: true, last_login: '2026-01-02T03:04:05Z' }),
    ).toMatchObject({
      systems: ['TTS'],
      roles: [{ system: 'TTS', role: 'Agent' }],
      secondFactor: true,
      lastSignInAt: new Date('2026-01-02T03:04:05Z'),
    });
  });

  it.each([
    ['/media/a.png', 'https://auth.example.com/idp/media/a.png'],
    ['media/a.png', 'https://auth.example.com/idp/media/a.png'],
    ['http://auth-service:8000/media/a.png?v=1', 'https://auth.example.com/idp/media/a.png?v=1'],
    ['HTTP://AUTH-SERVICE:8000/media/a.png', 'https://auth.example.com/idp/media/a.png'],
    ['https://cdn.example.net/a.png', 'https://cdn.example.net/a.png'],
    ['//cdn.example.net/a.png', 'http://cdn.example.net/a.png'],
    ['http://auth-service:9000/media/a.png', 'http://auth-service:9000/media/a.png'],
    ['http://user:pass@cdn.example.net/a.png', null],
    ['javascript:alert(1)', null],
    ['data:image/png;base64,AAAA', null],
    ['file:///etc/passwd', null],
    ['http://', null],
    ['', null],
    [`/media/${'a'.repeat(3_000)}.png`, null],
  ])('moves the picture %s to %s', async (profile_picture, pictureUrl) => {
    expect(await profileOf({ ...least, profile_picture })).toMatchObject({ pictureUrl });
  });

  it('moves a picture from below the path of AUTH_SERVICE_URL', async () => {
    const behindPath = { ...addresses, url: 'http://proxy/auth' };
    expect(await profileOf({ ...least, profile_picture: '/auth/media/a.png' }, behindPath)).toMatchObject({
      pictureUrl: 'https://auth.example.com/idp/media/a.png',
    });
  });

  it.each([
    ['another id', { ...least, id: 8 }, 'at id: it belongs to another person'],
    ['no id', { ...least, id: undefined }, 'at id'],
    ['a name that is a number', { ...least, first_name: 7 }, 'at first_name'],
    ['a flag that is a text', { ...least, otp_enabled: 'yes' }, 'at otp_enabled'],
    ['a picture that is an object', { ...least, profile_picture: {} }, 'at profile_picture'],
    ['a date that is none', { ...least, last_login: 'yesterday' }, 'at last_login'],
    ['a list', [least], 'at the top level'],
    ['null', null, 'at the top level'],
  ])('with %s is an unexpected response', async (_name, json, detail) => {
    expect(await failureOf(profileOf(json))).toMatchObject({
      reason: 'auth_service_contract',
      message: expect.stringContaining(detail),
    });
  });

  it('after a change is read from the wrapped answer to employees, whose list of changed fields is ignored', async () => {
    const answer = {
      employee: { ...least, profile_picture: '/media/a.png' },
      updated_fields: ['email'],
      message: 'Done',
    };
    const { calls, requests } = answering([{ json: answer }], { addresses });
    expect(await calls.updateProfile({ middleName: null, lastName: 'Lim' }, employee)).toMatchObject({
      type: 'employee',
      id: 7,
      pictureUrl: 'https://auth.example.com/idp/media/a.png',
    });
    // Employees clear a value by an empty text, staff by null.
    expect(requests[0]?.request.json).toEqual({ middle_name: '', last_name: 'Lim' });
    const ofStaff = answering([{ json: least }]);
    await ofStaff.calls.updateProfile({ middleName: '' }, staff);
    expect(ofStaff.requests[0]?.request.json).toEqual({ middle_name: null });
  });
});

describe('calls of an account', () => {
  it('send nothing for a service, which has no account', async () => {
    const { calls, requests } = answering([{ json: least }]);
    const service = { ...staff, service: { name: 'tickets', account: null } };
    for (const call of [calls.profile(service), calls.requestCode(service), calls.setPicture(null, service)]) {
      // oxlint-disable-next-line no-await-in-loop -- three calls
      expect(await failureOf(call)).toMatchObject({ reason: 'insufficient_permissions' });
    }
    expect(requests).toEqual([]);
  });

  it('of staff send the passwords to the stronger endpoint, and to the older one only if that is missing', async () => {
    const passwords = { currentPassword: 'old-password', newPassword: 'new-password' };
    const sentAfter = async (...answers: Answer[]) => {
      const { calls, sent } = answering(answers);
      const failure = await failureOf(calls.changePassword(passwords, staff));
      return [failure === 'resolved' ? failure : failure.message, ...sent()];
    };
    const [stronger, older] = ['POST /api/v1/users/password/change/', 'POST /api/v1/users/change-password/'];
    const missing: Answer = { status: 404, json: { detail: 'Not found.' } };
    expect(await sentAfter({ json: {} })).toEqual(['resolved', stronger]);
    expect(await sentAfter(missing, { json: {} })).toEqual(['resolved', stronger, older]);
    expect(await sentAfter(missing, missing)).toEqual([
      `The Auth Service does not offer this: ${stronger} is missing.`,
      stronger,
      older,
    ]);
    expect(await sentAfter({ status: 503 })).toHaveLength(2);
    expect(await sentAfter({ status: 302, location: '/staff/login/' })).toHaveLength(2);
  });
});
