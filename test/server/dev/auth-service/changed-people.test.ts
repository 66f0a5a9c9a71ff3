import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../../../server/dev/auth-service/auth-service.ts';
import type { Subject } from '../../../../server/dev/auth-service/people/people.ts';
import { apiKey, sendRequest, claimsOf, EMPLOYEE, STAFF, start } from './send-request.ts';

const maria: Subject = { type: 'staff', id: 1 };
const alice: Subject = { type: 'employee', id: 1 };
const ingrid: Subject = { type: 'staff', id: 6 };

/** Starts a service and issues tokens before people are changed. */
const startFor = async (dialect: Dialect, subject: Subject) => {
  const service = await start({ dialect });
  const { access: token, refresh } = await service.issue(subject);
  const to = (path: string) => `${service.url}/api/${path}`;
  return {
    service,
    get: (path: string) => sendRequest(to(path), { token, headers: { 'x-api-key': apiKey } }),
    post: (path: string, json: unknown) => sendRequest(to(path), { token, json }),
    refresh: () =>
      sendRequest(to('v1/token/refresh/cookie/'), { method: 'POST', token, cookie: `refresh_token=${refresh}` }),
    signIn: (email: string) => sendRequest(to('v1/users/login/api/'), { json: { email, ...STAFF } }),
    signInEmployee: (email: string) =>
      sendRequest(to('v1/hdts/employees/api/login/'), { json: { email, ...EMPLOYEE } }),
    [Symbol.asyncDispose]: service.close,
  };
};

const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status);

describe.each(['guide', 'deployed'] as const)('a changed person in the %s dialect', (dialect) => {
  it('lookups, lists, profiles, refresh and sign-in use the changed record', async () => {
    await using test = await startFor(dialect, maria);
    test.service.changePerson(maria, {
      first_name: 'Marie',
      email: 'marie@example.com',
      company_id: 'MA7777',
      roles: [{ system: 'TTS', role: 'Manager' }],
    });
    const changed = { id: 1, first_name: 'Marie', email: 'marie@example.com' };
    expect((await test.get('v1/tts/user-info/1/')).body).toMatchObject(changed);
    expect((await test.get('v1/users/profile/')).body).toMatchObject(changed);
    expect((await test.get('v1/users/profile/by-company/MA7777/')).body).toMatchObject(changed);
    expect((await test.get('v1/users/profile/by-company/MA0038/')).status).toBe(404);
    const many = await test.post('v1/tts/users-info/', { user_ids: [1], employee_cookie_ids: [1] });
    expect(JSON.stringify(many.body)).toContain('Marie');
    const managers = await test.get('v1/tts/round-robin/?system=TTS&role=Manager&role_name=Manager');
    expect(JSON.stringify(managers.body)).toContain('[1,2,7,51,101]');
    const refreshed = await test.refresh();
    expect(claimsOf(refreshed.cookies.access_token)).toMatchObject({ user_id: 1, email: 'marie@example.com' });
    expect(statuses([await test.signIn('maria.santos@example.com')])).not.toContain(200);
    expect((await test.signIn('marie@example.com')).status).toBe(200);
  });

  it('a change affects only one running service', async () => {
    await using test = await startFor(dialect, ingrid);
    await using other = await startFor(dialect, ingrid);
    test.service.changePerson(maria, 'deleted');
    expect((await test.get('v1/tts/user-info/1/')).status).toBe(404);
    expect((await other.get('v1/tts/user-info/1/')).status).toBe(200);
  });

  it('changePerson throws for an unknown id', async () => {
    await using test = await startFor(dialect, ingrid);
    expect(() => test.service.changePerson({ type: 'staff', id: 9999 }, { is_active: false })).toThrow('9999');
    test.service.changePerson(maria, 'deleted');
    expect(() => test.service.changePerson(maria, { is_active: true })).toThrow('the id 1');
  });

  it('other callers do not find a deleted person', async () => {
    await using test = await startFor(dialect, ingrid);
    test.service.changePerson(maria, 'deleted');
    test.service.changePerson(alice, 'deleted');
    const user = await test.get('v1/tts/user-info/1/');
    expect([user.status, user.body]).toEqual([404, { error: 'User not found.' }]);
    const technicians = await test.get('v1/tts/round-robin/?system=TTS&role=Technician&role_name=Technician');
    expect(JSON.stringify(technicians.body)).toContain('[5,12,23,31,123]');
    expect((await test.get('v1/hdts/employees/internal/1/')).status).toBe(404);
    expect((await test.signIn('maria.santos@example.com')).status).not.toBe(200);
    expect((await test.signInEmployee('alice.navarro@partners.example.com')).status).not.toBe(200);
  });
});

describe('changed people in the guide dialect', () => {
  it.each([
    ['deleted staff', maria, 'deleted'],
    ['deactivated staff', maria, { is_active: false }],
    ['a deleted employee', alice, 'deleted'],
    ['a rejected employee', alice, { status: 'Rejected' }],
    ['an inactive employee', alice, { status: 'inactive' }],
  ] as const)('%s is refused everywhere with 401', async (_who, subject, change) => {
    await using test = await startFor('guide', subject);
    test.service.changePerson(subject, change);
    const own = subject.type === 'staff' ? 'v1/users/profile/' : 'v1/hdts/employees/api/profile/';
    const answers = [await test.get('v1/users/token/validate/'), await test.get(own), await test.refresh()];
    expect(statuses(answers)).toEqual([401, 401, 401]);
  });
});

const readsOfStaff = ['v1/users/token/validate/', 'v1/users/profile/', 'v1/tts/user-info/1/'];

describe('changed people in the deployed dialect', () => {
  it('deactivated staff can still refresh, and profiles show is_active: false', async () => {
    await using test = await startFor('deployed', maria);
    test.service.changePerson(maria, { is_active: false });
    for (const path of readsOfStaff) expect((await test.get(path)).body).toMatchObject({ id: 1, is_active: false });
    expect((await test.get('me/')).body).toMatchObject({ type: 'user', data: { is_active: false } });
    const internal = await test.get('v1/users/internal/1/');
    expect(internal.body).toEqual({
      id: 1,
      email: 'maria.santos@example.com',
      username: 'maria.santos',
      first_name: 'Maria',
      last_name: 'Santos',
      full_name: 'Maria Santos',
    });
    expect((await test.refresh()).status).toBe(200);
  });

  it('the token of deleted staff fails almost every call with 500, and the internal endpoint answers 404', async () => {
    await using test = await startFor('deployed', maria);
    test.service.changePerson(maria, 'deleted');
    for (const path of [...readsOfStaff, 'me/', 'v1/nowhere/']) expect((await test.get(path)).status).toBe(500);
    expect((await test.post('v1/tts/users-info/', { employee_cookie_ids: [5] })).status).toBe(500);
    expect((await test.refresh()).status).toBe(500);
    const internal = await test.get('v1/users/internal/1/');
    expect([internal.status, internal.body]).toEqual([404, { error: 'User not found' }]);
  });

  it('a rejected employee can still refresh, and the profile shows the status', async () => {
    await using test = await startFor('deployed', alice);
    test.service.changePerson(alice, { status: 'Rejected' });
    expect((await test.get('me/')).body).toMatchObject({ type: 'employee', data: { id: 1, status: 'Rejected' } });
    for (const path of ['v1/hdts/employees/internal/1/', 'v1/hdts/employees/api/profile/']) {
      expect((await test.get(path)).body).toMatchObject({ id: 1, status: 'Rejected' });
    }
    expect((await test.refresh()).status).toBe(200);
  });

  it('the token of a deleted employee acts as the staff user with the same id', async () => {
    await using test = await startFor('deployed', alice);
    test.service.changePerson(alice, 'deleted');
    const data = { id: 1, email: 'maria.santos@example.com' };
    expect((await test.get('me/')).body).toMatchObject({ type: 'user', data });
    const internal = await test.get('v1/hdts/employees/internal/1/');
    expect([internal.status, internal.body]).toEqual([404, { error: 'Employee not found' }]);
    expect((await test.get('v1/tts/user-info/1/')).body).toMatchObject(data);
    const refreshed = await test.refresh();
    expect([refreshed.status, refreshed.body]).toEqual([401, { detail: 'Employee not found' }]);
    const profile = await test.get('v1/hdts/employees/api/profile/');
    expect(profile.status).toBe(403);
    for (const path of ['v1/users/token/validate/', 'v1/users/profile/']) {
      const { status, headers } = await test.get(path);
      expect([status, headers.get('location')]).toEqual([302, '/profile-settings/']);
    }
  });

  it('the token of a deleted employee fails with 500 if no staff user has the same id', async () => {
    await using test = await startFor('deployed', alice);
    test.service.changePerson(alice, 'deleted');
    test.service.changePerson(maria, 'deleted');
    for (const path of [...readsOfStaff, 'me/']) expect((await test.get(path)).status).toBe(500);
    expect((await test.refresh()).status).toBe(500);
  });
});
