import { describe, expect, it } from 'vitest';
import { askRest } from '../../support/app/ask-rest.ts';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { dialects } from '../../support/app/start-app.ts';
import { accountProcedures, startServices } from '../../support/app/start-services.ts';

const technicians = { system: 'TTS', role: 'Technician' };
/** The service account of these tests. */
const account = 123;

describe.each(dialects)('a service manages turns in the %s dialect', (dialect) => {
  it('by its grant, whatever ASSIGNMENT_ROLES says, and is the service account in the history', async () => {
    const grants = { desk: [...accountProcedures], kiosk: ['assignments.rotation'] };
    await using test = await startServices({ dialect, grants, env: { ASSIGNMENT_ROLES: 'TTS:Dispatcher' } });
    const { assignments } = test.service().trpc;
    expect((await assignments.next.mutate({ ...technicians, key: 'T-1' })).assignee?.id).toBe(1);
    expect((await assignments.reassign.mutate({ ...technicians, key: 'T-1' })).assignee?.id).toBe(5);
    expect(await assignments.setAvailability.mutate({ system: 'TTS', userId: 12, away: true })).toBeNull();
    expect((await assignments.rotation.query(technicians)).people.at(-1)?.user.id).toBe(12);
    expect((await assignments.history.query(technicians)).entries).toMatchObject([
      { key: 'T-1', assignee: 5, by: account, kind: 'reassigned' },
      { key: 'T-1', assignee: 1, by: account, kind: 'assigned' },
    ]);
    expect(await assignments.reset.mutate(technicians)).toBeNull();
    expect(test.audits().filter(({ service }) => service !== undefined)).toMatchObject([
      { audit: 'availability_changed', service: 'desk', of: 'staff:12', system: 'TTS', away: true },
      { audit: 'turns_reset', service: 'desk', ...technicians },
    ]);
    const kiosk = test.service('kiosk').trpc.assignments;
    expect((await kiosk.rotation.query(technicians)).people).toHaveLength(5);
    const calls = [
      kiosk.next.mutate(technicians),
      kiosk.reassign.mutate({ ...technicians, key: 'T-1' }),
      kiosk.setAvailability.mutate({ system: 'TTS', userId: 5, away: true }),
      kiosk.reset.mutate(technicians),
      kiosk.history.query(technicians),
    ];
    expect(new Set(await Promise.all(calls.map(reasonOf)))).toEqual(new Set(['insufficient_permissions']));
  });

  it('names the person whose availability it sets, because it has none of its own', async () => {
    await using test = await startServices({ dialect });
    const leave = { system: 'TTS', away: true } as const;
    const data = await errorDataOf(test.service().trpc.assignments.setAvailability.mutate(leave));
    const message = 'Expected the id of a user: a service has no availability of its own';
    expect(data).toMatchObject({ reason: 'invalid_input', issues: [{ path: 'userId', message }] });
    const rest = await askRest(test.app.url, {
      method: 'POST',
      path: '/assignments/TTS/availability',
      headers: { 'x-api-key': test.keyOf('desk') },
      json: { away: true, userId: 4 },
    });
    // The deployed service does not say which systems a user belongs to.
    expect([rest.status, rest.json]).toMatchObject(
      dialect === 'deployed' ? [200, null] : [400, { issues: [{ message: 'Expected a user of TTS' }] }],
    );
  });
});

it('two services with one x-idempotency-key hand on once each', async () => {
  const grants = { desk: ['assignments.next', 'assignments.reassign'], kiosk: ['assignments.reassign'] };
  await using test = await startServices({ grants });
  await test.service().trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
  const handOn = async (service: keyof typeof grants) => {
    const headers = { 'x-api-key': test.keyOf(service), 'x-idempotency-key': 'k' };
    const { assignments } = test.app.browser({ headers }).trpc;
    return (await assignments.reassign.mutate({ ...technicians, key: 'T-1' })).assignee?.id;
  };
  expect([await handOn('desk'), await handOn('desk'), await handOn('kiosk'), await handOn('kiosk')]).toEqual([
    5, 5, 12, 12,
  ]);
});
