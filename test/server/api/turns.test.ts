import { describe, expect, it } from 'vitest';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { browserOf } from '../../support/app/crowd.ts';
import { createClock, dialects, startApp, type StartAppOptions } from '../../support/app/start-app.ts';
import { patientRedisMs } from '../../support/processes/start-replicas.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';

const technicians = { system: 'TTS', role: 'Technician' };
/** The active technicians. */
const active = [1, 5, 12, 23, 123];
const manager = 2;
const hour = 3_600_000;

/** A BFF with the clients of some staff of TTS. */
const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({
    now: clock.now,
    ...options,
    authService: { accessLifetimeSeconds: 1_000_000, ...options.authService },
  });
  const as = async (id: number) => (await browserOf(app, id)).trpc.assignments;
  const lead = await as(manager);
  const nextId = async (more: { key?: string; exclude?: number[] } = {}) =>
    (await lead.next.mutate({ ...technicians, ...more })).assignee?.id ?? null;
  const order = async () => (await lead.rotation.query(technicians)).people.map(({ user }) => user.id);
  return { app, clock, as, lead, nextId, order, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};
type Test = Awaited<ReturnType<typeof start>>;

const stores = [
  { store: 'memory', isThere: () => true },
  { store: 'Redis', isThere: hasRedis },
].filter(({ isThere }) => isThere());
const settings = stores.flatMap(({ store }) => dialects.map((dialect) => ({ store, dialect })));

/** Runs a test with one of the stores. */
const withStore = async (store: string, options: StartAppOptions, run: (test: Test) => Promise<void>) => {
  if (store === 'memory') {
    await using test = await start(options);
    await run(test);
    return;
  }
  await using redis = await startRedis();
  const env = { REDIS_URL: redis.url, ...options.env };
  await using test = await start({ redisTimeoutMs: patientRedisMs, ...options, env });
  await run(test);
};

describe.each(settings)('turns with $store in the $dialect dialect', ({ store, dialect }) => {
  it('pass over people who are away, and give them the next turn once when they are back', () =>
    withStore(store, { dialect }, async ({ as, lead, nextId, order, clock }) => {
      const kwame = await as(5);
      const until = new Date(clock.now() + hour);
      await kwame.setAvailability.mutate({ system: 'tts', away: true, until, note: '  Dentist  ' });
      await lead.setAvailability.mutate({ system: 'TTS', userId: 23, away: true });
      expect(await order()).toEqual([1, 12, 123, 5, 23]);
      const { people } = await lead.rotation.query(technicians);
      expect(people.map(({ away }) => away)).toEqual([
        null,
        null,
        null,
        { until, note: 'Dentist' },
        { until: null, note: null },
      ]);
      expect((await lead.candidates.query(technicians)).users.map(({ id }) => id)).toEqual([1, 12, 123, 5, 23]);
      expect((await lead.peek.query(technicians)).assignee?.id).toBe(1);
      const given: unknown[] = [];
      for (let turn = 0; turn < 4; turn += 1) given.push(await nextId());
      expect(given).toEqual([1, 12, 123, 1]);
      await kwame.setAvailability.mutate({ system: 'TTS', away: false });
      expect([await nextId(), await nextId(), await nextId()]).toEqual([5, 12, 123]);
      // The leave of a system is about all of its rotations, and no other system.
      await kwame.setAvailability.mutate({ system: 'HDTS', away: true });
      expect(await order()).toContain(5);
      expect((await lead.rotation.query(technicians)).people.find(({ user }) => user.id === 5)?.away).toBeNull();
    }));

  it('say that all others are away, and not that all are excluded', () =>
    withStore(store, { dialect }, async ({ lead }) => {
      await Promise.all(
        active.map((userId) => lead.setAvailability.mutate({ system: 'TTS', userId, away: userId !== 12 })),
      );
      expect(await lead.next.mutate({ ...technicians, exclude: [12] })).toEqual({
        assignee: null,
        reason: 'all_away',
        candidates: 5,
        stale: false,
      });
      expect(await lead.next.mutate({ ...technicians, exclude: active })).toMatchObject({ reason: 'all_excluded' });
      expect((await lead.next.mutate(technicians)).assignee?.id).toBe(12);
    }));

  it('move to a person who has not had them, give the previous one their place back, and end with nobody', () =>
    withStore(store, { dialect }, async ({ lead, nextId, order }) => {
      expect(await nextId({ key: 'T-1' })).toBe(1);
      const handOn = async () => (await lead.reassign.mutate({ ...technicians, key: 'T-1' })).assignee?.id ?? null;
      expect(await handOn()).toBe(5);
      expect(await order()).toEqual([1, 12, 23, 123, 5]);
      expect(await nextId({ key: 'T-1' })).toBe(5);
      expect((await lead.reassign.mutate({ ...technicians, key: 'T-1', exclude: [12] })).assignee?.id).toBe(23);
      const rest = [await handOn(), await handOn()];
      expect(rest).toEqual([12, 123]);
      expect(await lead.reassign.mutate({ ...technicians, key: 'T-1' })).toMatchObject({
        assignee: null,
        candidates: 5,
      });
      expect(await lead.next.mutate({ ...technicians, key: 'T-1' })).toMatchObject({
        assignee: { id: 123 },
        replayed: true,
      });
      const { people } = await lead.rotation.query(technicians);
      expect(people.map(({ user, turns }) => [user.id, turns])).toEqual([
        [1, 0],
        [5, 0],
        [12, 0],
        [23, 0],
        [123, 1],
      ]);
      expect(await reasonOf(lead.reassign.mutate({ ...technicians, key: 'T-2' }))).toBe('assignment_not_found');
      expect(await reasonOf(lead.reassign.mutate({ system: 'TTS', role: 'Manager', key: 'T-1' }))).toBe(
        'assignment_not_found',
      );
    }));

  it('are in the history with the person who called, even if that was before the ticket existed', () =>
    withStore(store, { dialect }, async ({ app, as, lead, nextId }) => {
      // Maria wants ticket 7 to be Daniel's, and claims its key while everybody else is excluded.
      const maria = await as(1);
      await maria.next.mutate({ ...technicians, key: 'T-7', exclude: [1, 5, 12, 123] });
      expect(await nextId({ key: 'T-7' })).toBe(23);
      expect(await nextId()).toBe(1);
      await lead.reassign.mutate({ ...technicians, key: 'T-7' });
      const { entries } = await lead.history.query(technicians);
      expect(entries).toEqual([
        { at: expect.any(Date), key: 'T-7', assignee: 5, by: manager, kind: 'reassigned' },
        { at: expect.any(Date), key: null, assignee: 1, by: manager, kind: 'assigned' },
        { at: expect.any(Date), key: 'T-7', assignee: 23, by: 1, kind: 'assigned' },
      ]);
      expect((await lead.history.query({ ...technicians, limit: 1 })).entries).toEqual(entries.slice(0, 1));
      expect((await lead.history.query({ system: 'TTS', role: 'Manager' })).entries).toEqual([]);
      await lead.reset.mutate(technicians);
      expect((await lead.history.query(technicians)).entries).toEqual(entries);
      expect(app.logLines.filter(({ audit }) => audit === 'turns_reset')).toHaveLength(1);
    }));

  it('begin with the first person again after a reset, which keeps keys and leave', () =>
    withStore(store, { dialect }, async ({ lead, nextId, order }) => {
      expect([await nextId({ key: 'T-1' }), await nextId(), await nextId()]).toEqual([1, 5, 12]);
      await lead.setAvailability.mutate({ system: 'TTS', userId: 1, away: true });
      expect(await lead.reset.mutate({ system: 'tts', role: 'TECHNICIAN' })).toBeNull();
      expect(await order()).toEqual([5, 12, 23, 123, 1]);
      const { people } = await lead.rotation.query(technicians);
      expect(people.map(({ turns, lastTurnAt }) => [turns, lastTurnAt])).toEqual(active.map(() => [0, null]));
      expect(await nextId({ key: 'T-1' })).toBe(1);
      expect(await nextId()).toBe(5);
    }));
});

describe('a leave', () => {
  it('ends at its time, and another one replaces it', async () => {
    await using test = await start();
    const kwame = await test.as(5);
    const awayOf = async () =>
      (await test.lead.rotation.query(technicians)).people.find(({ user }) => user.id === 5)?.away;
    await kwame.setAvailability.mutate({ system: 'TTS', away: true, until: new Date(test.clock.now() + hour) });
    test.clock.advance(hour - 1);
    expect(await awayOf()).toMatchObject({ note: null });
    test.clock.advance(1);
    expect(await awayOf()).toBeNull();
    await kwame.setAvailability.mutate({ system: 'TTS', away: true, note: 'Sick' });
    await kwame.setAvailability.mutate({ system: 'TTS', away: true, note: '' });
    expect(await awayOf()).toEqual({ until: null, note: null });
  });

  const other = 'Expected only with away: true';
  it.each<[string, object, Array<{ path: string; message: string }>]>([
    ['an end when it ends', { away: false, until: new Date(0) }, [{ path: 'until', message: other }]],
    [
      'an end and a note when it ends',
      { away: false, until: new Date(0), note: '' },
      [
        { path: 'until', message: other },
        { path: 'note', message: other },
      ],
    ],
    [
      'an end that is over',
      { away: true, until: new Date(1_000) },
      [{ path: 'until', message: 'Expected a time in the future' }],
    ],
    [
      'a note of 201 characters',
      { away: true, note: `${'n'.repeat(200)}!` },
      [{ path: 'note', message: 'Expected at most 200 characters' }],
    ],
    ...['a\nb', 'a\u0007b', 'a\u0085b', 'a\u2028b'].map(
      (note): [string, object, Array<{ path: string; message: string }>] => [
        `the note ${JSON.stringify(note)}`,
        { away: true, note },
        [{ path: 'note', message: 'Expected one line without control characters' }],
      ],
    ),
    ['a person of another system', { away: true, userId: 4 }, [{ path: 'userId', message: 'Expected a user of TTS' }]],
    ['no answer to whether they are away', {}, [{ path: 'away', message: 'Expected true or false' }]],
  ])('is refused with %s, and nothing changes', async (_name, input, issues) => {
    await using test = await start();
    const call = test.lead.setAvailability.mutate({ system: 'TTS', userId: 1, ...input } as never);
    expect(await errorDataOf(call)).toMatchObject({ reason: 'invalid_input', issues });
    expect((await test.lead.rotation.query(technicians)).people.every(({ away }) => away === null)).toBe(true);
    expect(test.app.logLines.filter(({ audit }) => audit === 'availability_changed')).toEqual([]);
  });

  it('accepts a note of 200 characters in any script', async () => {
    await using test = await start();
    const note = '🌴'.repeat(100);
    await test.lead.setAvailability.mutate({ system: 'TTS', userId: 1, away: true, note: ` ${note}\n` });
    expect((await test.lead.rotation.query(technicians)).people.at(-1)).toMatchObject({ away: { note } });
  });

  it('of an unknown person is user_not_found, and of one whose systems are unknown is accepted', async () => {
    await using test = await start();
    const leave = { system: 'TTS', away: true } as const;
    expect(await reasonOf(test.lead.setAvailability.mutate({ ...leave, userId: 999_999 }))).toBe('user_not_found');
    // A user-info without systems and roles.
    const body = '{"id":34,"email":"m@example.com","first_name":"Marcus","last_name":"Bell"}';
    test.app.authService.fault('user', { kind: 'body', body });
    expect(await test.lead.setAvailability.mutate({ ...leave, userId: 34 })).toBeNull();
  });

  it('of another person needs their record, and fails while the Auth Service does', async () => {
    await using test = await start();
    for (const endpoint of ['users', 'user'] as const) {
      test.app.authService.fault(endpoint, { kind: 'status', status: 503 });
    }
    const leave = { system: 'TTS', away: true } as const;
    expect(await reasonOf(test.lead.setAvailability.mutate({ ...leave, userId: 5 }))).toBe('auth_service_unavailable');
    // The token says that the caller is in TTS, so that a person can go on leave during an outage.
    expect(await (await test.as(5)).setAvailability.mutate(leave)).toBeNull();
  });

  it('is an audit line that says who changed it for whom, without the note', async () => {
    await using test = await start();
    const note = 'A diagnosis';
    await (await test.as(5)).setAvailability.mutate({ system: 'tts', away: true, note });
    await test.lead.setAvailability.mutate({ system: 'TTS', userId: 5, away: false });
    await test.lead.reset.mutate(technicians);
    const lines = test.app.logLines.filter(({ audit }) => String(audit).match(/availability|turns/));
    const requestId = expect.any(String) as string;
    expect(lines).toMatchObject([
      { audit: 'availability_changed', person: 'staff:5', of: 'staff:5', system: 'TTS', away: true, requestId },
      { audit: 'availability_changed', person: 'staff:2', of: 'staff:5', system: 'TTS', away: false, requestId },
      { audit: 'turns_reset', person: 'staff:2', system: 'TTS', role: 'Technician', requestId },
    ]);
    expect(JSON.stringify(test.app.logLines)).not.toContain(note);
  });
});

it('a refused limit of the history says what is expected', async () => {
  await using test = await start();
  for (const limit of [0, 501, 1.5]) {
    const data = await errorDataOf(test.lead.history.query({ ...technicians, limit }));
    expect(data).toMatchObject({ reason: 'invalid_input', issues: [{ path: 'limit' }] });
  }
  for (let turn = 0; turn < 60; turn += 1) await test.nextId();
  expect((await test.lead.history.query(technicians)).entries).toHaveLength(50);
  expect((await test.lead.history.query({ ...technicians, limit: 500 })).entries).toHaveLength(60);
});

it('handovers count like new keys, and repeats do not', async () => {
  await using test = await start({ assignmentLimits: { keysPerPersonPerHour: 2 } });
  const browser = test.app.browser({ headers: { 'x-idempotency-key': 'k' } });
  browser.holdTokens(await test.app.authService.issue({ type: 'staff', id: manager }));
  const { reassign } = browser.trpc.assignments;
  await test.nextId({ key: 'T-1' });
  for (const replayed of [false, true, true]) {
    expect(await reassign.mutate({ ...technicians, key: 'T-1' })).toMatchObject({ assignee: { id: 5 }, replayed });
  }
  expect(await errorDataOf(test.lead.reassign.mutate({ ...technicians, key: 'T-1' }))).toMatchObject({
    reason: 'rate_limited',
    retryAfterSeconds: 3_600,
  });
  expect((await test.lead.next.mutate({ ...technicians, key: 'T-1' })).assignee?.id).toBe(5);
});

it('a refusal by ASSIGNMENT_ROLES is an audit line, and changes nothing', async () => {
  await using test = await start({ env: { ASSIGNMENT_ROLES: 'TTS:Manager' } });
  const maria = await test.as(1);
  const calls = [
    maria.next.mutate({ ...technicians, key: 'T-7', exclude: [1, 5, 12, 123] }),
    maria.reset.mutate(technicians),
    maria.setAvailability.mutate({ system: 'TTS', userId: 5, away: true }),
  ];
  expect(new Set(await Promise.all(calls.map(reasonOf)))).toEqual(new Set(['insufficient_permissions']));
  const denied = test.app.logLines.filter(({ audit }) => audit === 'permission_denied');
  expect(denied.map(({ procedure, person }) => `${String(person)} ${String(procedure)}`).toSorted()).toEqual([
    'staff:1 assignments.next',
    'staff:1 assignments.reset',
    'staff:1 assignments.setAvailability',
  ]);
  expect((await test.lead.history.query(technicians)).entries).toEqual([]);
  expect(await test.nextId({ key: 'T-7' })).toBe(1);
});
