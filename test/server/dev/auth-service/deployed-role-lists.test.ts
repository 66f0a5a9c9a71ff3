import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import type { Subject } from '../../../../server/dev/auth-service/people/people.ts';
import { sendRequest, start } from './send-request.ts';

// Staff 6 is Admin of all four systems, 15 of TTS and AMS; 11 is Manager of BMS, 123 technician of TTS.
const agent: Subject = { type: 'staff', id: 3 };
const superuser: Subject = { type: 'staff', id: 42 };
const markedStaff: Subject = { type: 'staff', id: 15 };

let service: EmbeddedAuthService;
beforeAll(async () => {
  service = await start({ dialect: 'deployed' });
  service.changePerson(superuser, { is_superuser: true });
  service.changePerson(markedStaff, { is_staff: true });
});
afterAll(() => service.close());

const get = async (path: string, subject: Subject) =>
  sendRequest(`${service.url}/api/v1/${path}`, { token: (await service.issue(subject)).access });

type List = { users: Array<{ id: number; is_active?: boolean; system_roles?: Array<{ role_name: string }> }> };
const idsOf = (body: unknown) => (body as List).users.map(({ id }) => id).toSorted((a, b) => a - b);
const forbidden = { status: 403, body: { detail: 'You do not have permission to perform this action.' } };

describe('the users of a system in the deployed dialect', () => {
  const path = (slug: string) => `system-roles/systems/${slug}/users/`;

  it.each([
    ['an admin of the system', { type: 'staff', id: 6 } as const],
    ['a superuser', superuser],
  ])('%s gets the users of a system, including inactive people without a mark', async (_who, subject) => {
    const { status, body } = await get(path('bms'), subject);
    expect(status).toBe(200);
    expect(body).toMatchObject({ system: { id: 2, name: 'Budget Management', slug: 'bms' }, users_count: 16 });
    const { users } = body as { users: Array<{ id: number; email: string; role: string }> };
    const emails = users.map(({ email }) => email);
    expect(emails).toEqual(emails.toSorted((left, right) => (left < right ? -1 : 1)));
    expect(users.find(({ id }) => id === 8)).toEqual({
      id: 8,
      email: 'beatrice.lang@example.com',
      first_name: 'Beatrice',
      last_name: 'Lang',
      role: 'User',
      system_id: 2,
      system_name: 'Budget Management',
      system_slug: 'bms',
      assigned_at: expect.any(String),
    });
    // A person with two roles appears twice.
    expect(users.filter(({ id }) => id === 45).map(({ role }) => role)).toEqual(['Manager', 'Approver']);
  });

  it.each([
    ['bms', { type: 'staff', id: 11 } as const],
    ['bms', markedStaff],
    ['nowhere', { type: 'staff', id: 6 } as const],
  ])('the list of system %s answers 403 to %o', async (slug, subject) => {
    expect(await get(path(slug), subject)).toMatchObject(forbidden);
  });

  it('a superuser gets 404 for an unknown system', async () => {
    expect(await get(path('nowhere'), superuser)).toMatchObject({ status: 404, body: { detail: 'Not found.' } });
  });
});

describe('the list of all users in the deployed dialect', () => {
  it('callers without is_staff, including employees, get all active people', async () => {
    for (const subject of [agent, { type: 'employee', id: 2 } as const]) {
      const { body } = await get('users/list/', subject);
      expect(idsOf(body)).toHaveLength(42);
      expect(idsOf(body)).not.toContain(8);
      expect(body).toMatchObject({ users_count: 42 });
    }
  });

  it('a superuser gets all people, and a caller with is_staff gets none', async () => {
    expect(idsOf((await get('users/list/', superuser)).body)).toContain(8);
    expect((await get('users/list/', markedStaff)).body).toEqual({ users_count: 0, users: [] });
  });
});

describe('the people of HDTS in the deployed dialect', () => {
  it('every token gets staff and employees in one list, with overlapping ids', async () => {
    const { body } = await get('hdts/user-management/users/api/', { type: 'staff', id: 123 });
    expect(body).toMatchObject({ count: 32, system_users_count: 12, employees_count: 20 });
    expect(idsOf(body)).toContain(60);
    const { all_users } = body as { all_users: List['users'] };
    expect(all_users).toHaveLength(32);
    const withNumber3 = all_users.filter(({ id }) => id === 3);
    expect(withNumber3.map(({ system_roles = [] }) => system_roles.map(({ role_name }) => role_name))).toEqual([
      ['Agent'],
      ['Employee'],
    ]);
    expect(withNumber3[1]).toMatchObject({ is_active: true, profile_picture: '/media/employees/3.png' });
    expect(withNumber3[1]).not.toHaveProperty('last_login');
  });
});
