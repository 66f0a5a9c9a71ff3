import { describe, expect, it } from 'vitest';
import type { PersonChange } from '../../../server/dev/auth-service/auth-service.ts';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { createClock, dialects, forgetful, startApp, type StartAppOptions } from '../../support/app/start-app.ts';

// Of the seed: 6 is Admin of all four systems, 15 of TTS and AMS. 11 and 45 are staff of BMS, 56 and 4 of AMS, 3 and 16
// of HDTS, all without a flag of Django's. 8 (BMS User), 17 (AMS User) and 60 (HDTS Agent) are inactive.

const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options });
  const as = async (id: number) => {
    const browser = app.browser();
    browser.holdTokens(await app.authService.issue({ type: 'staff', id }));
    const { users, assignments } = browser.trpc;
    return {
      byRole: async (system: string, role: string) =>
        (await users.byRole.query({ system, role })).userIds.toSorted((a, b) => a - b),
      next: (system: string, role: string) => assignments.next.mutate({ system, role }),
    };
  };
  const change = (id: number, to: PersonChange) => app.authService.changePerson({ type: 'staff', id }, to);
  const asked = () => app.authService.calls.map(({ endpoint }) => endpoint);
  return { app, clock, as, change, asked, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};

const holders = [
  { system: 'HDTS', role: 'Agent', ids: [3, 5, 16, 19, 33, 118], alsoInactive: 60, admin: 6, others: 16 },
  { system: 'AMS', role: 'Manager', ids: [9, 24, 56, 110], alsoInactive: null, admin: 15, others: 56 },
  { system: 'BMS', role: 'Manager', ids: [11, 45, 130], alsoInactive: null, admin: 6, others: 11 },
] as const;

const active = (ids: readonly number[], inactive: number | null) => ids.filter((id) => id !== inactive);

describe.each(dialects)('roles of systems other than TTS, in the %s dialect', (dialect) => {
  it.each(holders)('$system: an admin of the system lists the holders of $role and assigns them', async (row) => {
    await using test = await start({ dialect });
    const admin = await test.as(row.admin);
    expect(active(await admin.byRole(row.system, row.role.toLowerCase()), row.alsoInactive)).toEqual(row.ids);
    expect((await admin.next(row.system, row.role)).assignee?.id).toBe(row.ids[0]);
  });

  it.each(holders)('$system: staff of the system without admin rights lists them too', async (row) => {
    await using test = await start({ dialect });
    const other = await test.as(row.others);
    expect(active(await other.byRole(row.system, row.role), row.alsoInactive)).toEqual(row.ids);
    expect((await other.next(row.system, row.role)).assignee?.id).toBe(row.ids[0]);
  });

  it.each(holders)('$system: an admin with is_staff and a superuser list them too', async (row) => {
    await using test = await start({ dialect, env: forgetful });
    test.change(row.admin, { is_staff: true });
    const admin = await test.as(row.admin);
    expect(active(await admin.byRole(row.system, row.role), row.alsoInactive)).toEqual(row.ids);
    test.change(row.others, { is_staff: true, is_superuser: true });
    const superuser = await test.as(row.others);
    expect(active(await superuser.byRole(row.system, row.role), row.alsoInactive)).toEqual(row.ids);
    expect((await superuser.next(row.system, row.role)).assignee?.id).toBe(row.ids[0]);
  });

  it('never assign to inactive people, for any caller', async () => {
    await using test = await start({ dialect, env: forgetful });
    test.change(56, { is_active: false });
    test.change(15, { is_staff: true });
    for (const id of [15, 4]) {
      const { next } = await test.as(id);
      const turns = [await next('AMS', 'Manager'), await next('AMS', 'Manager'), await next('AMS', 'Manager')];
      expect(turns.map(({ candidates }) => candidates)).toEqual([3, 3, 3]);
      expect(turns.map(({ assignee }) => assignee?.id)).not.toContain(56);
    }
  });

  it('are an empty list if no person has the role', async () => {
    await using test = await start({ dialect });
    const { byRole, next } = await test.as(11);
    expect(await byRole('BMS', 'Astronaut')).toEqual([]);
    expect(await next('BMS', 'Astronaut')).toMatchObject({ assignee: null, reason: 'no_candidates' });
  });
});

describe('with a round-robin endpoint for TTS only, as in the deployed service,', () => {
  const dialect = 'deployed';

  it.each([
    ['AMS', 'Manager', 56],
    ['BMS', 'Manager', 11],
  ])(
    '%s: people with is_staff who are not admins are refused, with a message that names the admins',
    async (system, role, id) => {
      await using test = await start({ dialect });
      test.change(id, { is_staff: true });
      const { byRole, next } = await test.as(id);
      for (const call of [() => byRole(system, role), () => next(system, role)]) {
        const data = await errorDataOf(call());
        expect(data).toMatchObject({ code: 'FORBIDDEN', reason: 'insufficient_permissions' });
        expect(data.message).toContain(`to admins of ${system} only`);
      }
      expect(test.asked()).toContain('system-users');
    },
  );

  it('a refusal for one caller does not affect other callers', async () => {
    await using test = await start({ dialect });
    test.change(45, { is_staff: true });
    const [refused, told] = [await test.as(45), await test.as(11)];
    const atOnce = await Promise.all([reasonOf(refused.byRole('BMS', 'Manager')), told.byRole('BMS', 'Manager')]);
    expect(atOnce).toEqual(['insufficient_permissions', [11, 45, 130]]);
    expect(await told.byRole('BMS', 'Manager')).toEqual([11, 45, 130]);
    expect(await reasonOf(refused.byRole('BMS', 'Manager'))).toBe('insufficient_permissions');
  });

  it('HDTS: people with is_staff see the holders too, and an employee is never mistaken for the staff user with the same id', async () => {
    await using test = await start({ dialect });
    test.change(16, { is_staff: true });
    const { byRole } = await test.as(16);
    expect(await byRole('HDTS', 'Agent')).toEqual([3, 5, 16, 19, 33, 118]);
    // All twenty employees have the role Employee in HDTS, with numbers of staff; of staff, only this one has it.
    test.change(18, { roles: [{ system: 'HDTS', role: 'Employee' }] });
    expect(await byRole('HDTS', 'Employee')).toEqual([18]);
  });

  it.each([
    ['HDTS', 'Agent', 5, 16, [3, 16, 19, 33, 118]],
    ['BMS', 'Manager', 45, 11, [11, 130]],
  ] as const)('%s: leaves out people whose role is switched off, as far as lists tell', async (...row) => {
    const [system, role, off, asking, ids] = row;
    await using test = await start({ dialect });
    test.change(off, { roles: [{ system, role, is_active: false }] });
    expect(await (await test.as(asking)).byRole(system, role)).toEqual(ids);
  });

  it('round-robin is always called for TTS, and at most every five minutes for other systems', async () => {
    await using test = await start({ dialect, env: forgetful, authService: { accessLifetimeSeconds: 3_600 } });
    const admin = await test.as(6);
    const askedFor = async (system: string, role: string) => {
      test.app.authService.resetCalls();
      await admin.byRole(system, role);
      return test.asked();
    };
    expect(await askedFor('BMS', 'Manager')).toEqual(['round-robin', 'users-list']);
    expect(await askedFor('AMS', 'Manager')).toEqual(['users-list']);
    expect(await askedFor('HDTS', 'Agent')).toEqual(['hdts-users']);
    expect(await askedFor('TTS', 'Technician')).toEqual(['round-robin']);
    test.clock.advance(5 * 60_000);
    expect(await askedFor('BMS', 'Manager')).toEqual(['round-robin', 'users-list']);
    test.change(6, { is_staff: true });
    expect(await askedFor('BMS', 'Manager')).toEqual(['users-list', 'system-users']);
  });

  it('an outage of the lists is an error, not a refusal or an empty list', async () => {
    await using test = await start({ dialect });
    test.change(6, { is_staff: true });
    const admin = await test.as(6);
    const agent = await test.as(11);
    test.app.authService.fault('users-list', { kind: 'status', status: 503 });
    expect(await reasonOf(agent.byRole('BMS', 'Manager'))).toBe('auth_service_unavailable');
    test.app.authService.fault('users-list', null);
    test.app.authService.fault('system-users', { kind: 'status', status: 503 });
    expect(await reasonOf(admin.byRole('BMS', 'User'))).toBe('auth_service_unavailable');
  });

  it.each(['ams', 'bmſ'])('a list of another system is auth_service_contract: %s', async (slug) => {
    await using test = await start({ dialect });
    test.change(6, { is_staff: true });
    test.app.authService.fault('system-users', { kind: 'body', body: `{"system":{"slug":"${slug}"},"users":[]}` });
    expect(await reasonOf((await test.as(6)).byRole('BMS', 'Manager'))).toBe('auth_service_contract');
  });

  it('a system name that differs in a non-ASCII letter is auth_service_contract', async () => {
    await using test = await start({ dialect });
    test.app.authService.fault('round-robin', { kind: 'body', body: '{"system":"TTſ","user_ids":[1]}' });
    expect(await reasonOf((await test.as(6)).byRole('TTS', 'Technician'))).toBe('auth_service_contract');
  });

  it('roles that differ in a non-ASCII letter and disabled roles do not count', async () => {
    await using test = await start({ dialect });
    test.change(6, { is_staff: true });
    const users = [
      { id: 11, role: 'ADMIN' },
      { id: 14, role: 'Admın' },
      { id: 45, role: 'Admin', system_slug: 'bmſ' },
      { id: 130, role: 'Admin', is_active: false },
    ];
    const body = JSON.stringify({ system: { slug: 'bms' }, users });
    test.app.authService.fault('system-users', { kind: 'body', body });
    expect(await (await test.as(6)).byRole('BMS', 'Admin')).toEqual([11]);
  });
});
