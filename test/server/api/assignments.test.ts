import { describe, expect, it } from 'vitest';
import { createRedis } from '../../../server/src/platform/redis/redis.ts';
import { silentLog } from '../../support/output/silent-log.ts';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { browserOf } from '../../support/app/crowd.ts';
import { createEarlierStore, dumpRedis } from '../../support/redis/legacy-rotations.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';
import { patientRedisMs } from '../../support/processes/start-replicas.ts';
import { createTimers } from '../../support/time/timers.ts';
import {
  apiKey,
  createClock,
  dialects,
  signingKey,
  startApp,
  type StartAppOptions,
} from '../../support/app/start-app.ts';

const technicians = { system: 'TTS', role: 'Technician' };
/** The seeded technicians are 1, 5, 12, 23, 31 and 123; 31 is inactive. */
const active = [1, 5, 12, 23, 123];

const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({
    now: clock.now,
    ...options,
    authService: { accessLifetimeSeconds: 1_000_000, ...options.authService },
  });
  const browser = await browserOf(app, 2);
  const { assignments } = browser.trpc;
  const next = async (input: Partial<Parameters<typeof assignments.next.mutate>[0]> = {}) =>
    assignments.next.mutate({ ...technicians, ...input });
  const nextId = async (input: Parameters<typeof next>[0] = {}) => (await next(input)).assignee?.id ?? null;
  const order = async () => (await assignments.candidates.query(technicians)).users.map(({ id }) => id);
  return {
    app,
    browser,
    clock,
    assignments,
    next,
    nextId,
    order,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

const metricsOf = async ({ app }: Awaited<ReturnType<typeof start>>) => {
  const address = await app.listenOps();
  return (await fetch(`${address}/metrics`)).text();
};

describe.each(dialects)('assignments in the %s dialect', (dialect) => {
  it('rotate through the active candidates', async () => {
    await using test = await start({ dialect });
    const given: Array<number | null> = [];
    for (let turn = 0; turn < 11; turn += 1) given.push(await test.nextId());
    expect(given).toEqual([...active, ...active, 1]);
    expect(await test.next()).toMatchObject({ assignee: { id: 5 }, replayed: false, candidates: 5, stale: false });
  });

  it('can be previewed in order without advancing the rotation', async () => {
    await using test = await start({ dialect });
    expect(await test.order()).toEqual(active);
    await test.nextId();
    for (const _ of [1, 2]) {
      const peeked = await test.assignments.peek.query(technicians);
      expect(peeked).toMatchObject({ assignee: { id: 5 }, replayed: false, candidates: 5, stale: false });
    }
    expect((await test.assignments.peek.query({ ...technicians, exclude: [5, 12] })).assignee?.id).toBe(23);
    expect(await test.order()).toEqual([5, 12, 23, 123, 1]);
    expect(await test.nextId()).toBe(5);
  });

  it('return the same person for the same key despite exclusions, and do not skip the turn of an excluded person', async () => {
    await using test = await start({ dialect });
    expect(await test.next({ key: 'T-1' })).toMatchObject({ assignee: { id: 1 }, replayed: false });
    expect(await test.next({ key: 'T-1', exclude: [1] })).toMatchObject({ assignee: { id: 1 }, replayed: true });
    expect(await test.nextId({ exclude: [5] })).toBe(12);
    expect(await test.nextId()).toBe(5);
    // A key without an assignee is not remembered.
    expect(await test.next({ key: 'T-2', exclude: active })).toEqual({
      assignee: null,
      reason: 'all_excluded',
      candidates: 5,
      stale: false,
    });
    expect(await test.next({ key: 'T-2' })).toMatchObject({ assignee: { id: 23 }, replayed: false });
  });

  it('return one person for two simultaneous requests with the same key', async () => {
    await using test = await start({ dialect });
    const desks = await Promise.all([2, 51].map((id) => browserOf(test.app, id)));
    const given = await Promise.all(
      desks.flatMap(({ trpc }) =>
        Array.from({ length: 10 }, () => trpc.assignments.next.mutate({ ...technicians, key: 'T-9' })),
      ),
    );
    expect(new Set(given.map(({ assignee }) => assignee?.id))).toEqual(new Set([1]));
    expect(given.filter((turn) => turn.assignee !== null && !turn.replayed)).toHaveLength(1);
  });

  it('compare system and role case-insensitively', async () => {
    await using test = await start({ dialect });
    expect(await test.nextId({ system: 'tts', role: 'TECHNICIAN' })).toBe(1);
    expect(await test.nextId()).toBe(5);
  });

  it('return no assignee, and no error, if the role has no holder', async () => {
    await using test = await start({ dialect });
    const none = { assignee: null, reason: 'no_candidates', candidates: 0, stale: false };
    expect(await test.next({ role: 'Astronaut' })).toEqual(none);
    expect(await test.assignments.peek.query({ system: 'TTS', role: 'Astronaut' })).toEqual(none);
    expect(await test.assignments.candidates.query({ system: 'TTS', role: 'Astronaut' })).toEqual({ users: [] });
  });

  it('use cached candidates during an outage, and mark the result as stale', async () => {
    await using test = await start({ dialect });
    await test.nextId();
    test.app.authService.fault('*', { kind: 'status', status: 500 });
    test.clock.advance(5 * 60_000);
    expect(await test.next()).toMatchObject({ assignee: { id: 5 }, stale: true });
    expect(test.browser.lastAnswer().headers.get('x-directory-stale')).toBe('1');
    test.clock.advance(6 * 60_000);
    expect(await reasonOf(test.next())).toBe('auth_service_unavailable');
    test.app.authService.clearFaults();
    // The rotation did not advance in the meantime.
    expect(await test.next()).toMatchObject({ assignee: { id: 12 }, stale: false });
  });

  it('do not advance if the user records are unavailable', async () => {
    await using test = await start({ dialect });
    for (const endpoint of ['users', 'user'] as const) {
      test.app.authService.fault(endpoint, { kind: 'status', status: 503 });
    }
    expect(await errorDataOf(test.next({ key: 'T-1' }))).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      reason: 'auth_service_unavailable',
    });
    test.app.authService.clearFaults();
    expect(await test.next({ key: 'T-1' })).toMatchObject({ assignee: { id: 1 }, replayed: false });
  });
});

describe('assignments', () => {
  it('return a person who has left the list for the key that was assigned to them', async () => {
    await using test = await start();
    await test.next({ key: 'T-1' });
    test.clock.advance(60_000);
    test.app.authService.fault('round-robin', { kind: 'body', body: '{"user_ids":[5,12]}' });
    expect(await test.next({ key: 'T-1' })).toMatchObject({ assignee: { id: 1 }, replayed: true, candidates: 2 });
    test.app.authService.fault('round-robin', { kind: 'body', body: '{"user_ids":[]}' });
    test.clock.advance(60_000);
    expect(await test.next({ key: 'T-1' })).toMatchObject({ assignee: { id: 1 }, replayed: true, candidates: 0 });
    expect(await test.next()).toMatchObject({ assignee: null, reason: 'no_candidates' });
  });

  it('skip a candidate whose record is missing', async () => {
    await using test = await start();
    test.app.authService.fault('round-robin', { kind: 'body', body: '{"user_ids":[987654,5]}' });
    expect(await test.next()).toMatchObject({ assignee: { id: 5 }, candidates: 1 });
    expect(await test.next()).toMatchObject({ assignee: { id: 5 }, candidates: 1 });
  });

  it('are limited to staff of the system', async () => {
    await using test = await start();
    const custodian = await browserOf(test.app, 4);
    const employee = test.app.browser();
    employee.holdTokens(await test.app.authService.issue({ type: 'employee', id: 1 }));
    for (const { trpc } of [custodian, employee]) {
      const reasons = await Promise.all(
        [
          trpc.assignments.next.mutate(technicians),
          trpc.assignments.peek.query(technicians),
          trpc.assignments.candidates.query(technicians),
        ].map(reasonOf),
      );
      expect(new Set(reasons)).toEqual(new Set(['insufficient_permissions']));
    }
    expect(await reasonOf(test.app.browser().trpc.assignments.next.mutate(technicians))).toBe('no_token');
    expect(await test.nextId()).toBe(1);
  });

  it.each([
    ['an empty key', { key: '' }, 'key'],
    ['a key of 201 characters', { key: 'x'.repeat(201) }, 'key'],
    ['an id below 1', { exclude: [0] }, 'exclude.0'],
    ['an invalid system', { system: 'T T S' }, 'system'],
    ['an empty role', { role: ' ' }, 'role'],
  ])('reject %s without advancing', async (_name, input, path) => {
    await using test = await start();
    const data = await errorDataOf(test.next(input));
    expect(data).toMatchObject({ reason: 'invalid_input', issues: [{ path }] });
    expect(await test.nextId()).toBe(1);
  });

  it('accept any key of 200 characters', async () => {
    await using test = await start();
    for (const key of ['x'.repeat(200), '{}:*?[]\r\n', '№ 7 — ключ', '__proto__']) {
      const [first, again] = [await test.next({ key }), await test.next({ key })];
      expect(again).toEqual({ ...first, replayed: true });
    }
  });

  it('write one log line each, and are counted', async () => {
    await using test = await start();
    await test.next({ key: 'T-1' });
    await test.next({ key: 'T-1' });
    await test.next({ role: 'Astronaut' });
    const lines = test.app.logLines.filter(({ msg }) => msg === 'assignment');
    const told = { system: 'TTS', role: 'Technician', key: 'T-1', assignee: 1 };
    expect(lines).toMatchObject([
      { ...told, outcome: 'assigned', replayed: false, requestId: expect.any(String) },
      { ...told, outcome: 'replayed', replayed: true },
      { role: 'Astronaut', key: null, assignee: null, outcome: 'no_candidates' },
    ]);
    const metrics = await metricsOf(test);
    for (const outcome of ['assigned', 'replayed', 'no_candidates']) {
      expect(metrics).toContain(`auth_bff_assignments_total{outcome="${outcome}"} 1`);
    }
  });
});

describe('the log line of an assignment', () => {
  it('contains no control character, token or secret from a key or a role', async () => {
    await using test = await start();
    const { access } = await test.app.authService.issue({ type: 'staff', id: 5 });
    const texts = [
      'T-1\u001b[2J',
      'T-1\u009b31m',
      'T-1\r\nforged',
      'T-1\u2028',
      'T-1\u202e',
      `T-1_${access.slice(0, 180)}`,
    ];
    const secrets = [apiKey, 'Bearer\nabcdefgh', `password=${signingKey}`, 'ana@example.com'];
    for (const text of [...texts, ...secrets]) {
      await test.next({ key: text });
      await test.next({ role: text.slice(0, 100) });
    }
    const lines = test.app.logLines.filter(({ msg }) => msg === 'assignment');
    expect(lines).toHaveLength(20);
    // Reads the raw text, because `logLines` are parsed.
    for (const { key, role } of lines) {
      const told = `${String(key)} ${String(role)}`;
      // oxlint-disable-next-line no-control-regex -- the test asserts that control characters are absent
      expect(told).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
      expect(told).not.toMatch(/eyJ|abcdefgh|ana@/);
      expect(told).not.toContain(apiKey);
      expect(told).not.toContain(signingKey);
    }
    expect(lines[0]).toMatchObject({ key: 'T-1 [2J', role: 'Technician' });
  });
});

describe('new keys over the limit', () => {
  it('are rejected as rate_limited with a Retry-After, even with RATE_LIMIT_PER_MINUTE=0, and do not advance the rotation', async () => {
    const env = { RATE_LIMIT_PER_MINUTE: '0' };
    await using test = await start({ env, assignmentLimits: { keysPerPersonPerHour: 2 } });
    expect([await test.nextId({ key: 'T-1' }), await test.nextId({ key: 'T-2' })]).toEqual([1, 5]);
    expect(await errorDataOf(test.next({ key: 'T-3' }))).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      reason: 'rate_limited',
      retryAfterSeconds: 3_600,
      message: expect.stringMatching(/2 new assignment keys within an hour/),
    });
    expect(test.browser.lastAnswer().headers.get('retry-after')).toBe('3600');
    expect(await test.next({ key: 'T-2' })).toMatchObject({ assignee: { id: 5 }, replayed: true });
    expect(await test.nextId()).toBe(12);
    expect(await metricsOf(test)).toContain('auth_bff_rate_limited_total{limit="assignment_keys"} 1');
    test.clock.advance(3_600_000);
    expect(await test.next({ key: 'T-3' })).toMatchObject({ assignee: { id: 23 }, replayed: false });
  });

  it('do not count against another person', async () => {
    await using test = await start({ assignmentLimits: { keysPerPersonPerHour: 1 } });
    const other = await browserOf(test.app, 51);
    await test.next({ key: 'T-1' });
    expect(await reasonOf(test.next({ key: 'T-2' }))).toBe('rate_limited');
    const given = await other.trpc.assignments.next.mutate({ ...technicians, key: 'T-2' });
    expect(given).toMatchObject({ assignee: { id: 5 }, replayed: false });
  });

  it('are not counted if the user records are unavailable', async () => {
    await using test = await start({ assignmentLimits: { keysPerPersonPerHour: 1 } });
    for (const endpoint of ['users', 'user'] as const) {
      test.app.authService.fault(endpoint, { kind: 'status', status: 503 });
    }
    for (const key of ['T-1', 'T-2', 'T-3'])
      expect(await reasonOf(test.next({ key }))).toBe('auth_service_unavailable');
    test.app.authService.clearFaults();
    expect(await test.next({ key: 'T-4' })).toMatchObject({ assignee: { id: 1 }, replayed: false });
  });
});

describe.skipIf(!hasRedis())('assignments with REDIS_URL', () => {
  /** Fails only when the connection is lost, so that a slow machine does not cause a timeout. */
  const patient = { redisTimeoutMs: patientRedisMs };

  it('continue across replicas and restarts', async () => {
    await using redis = await startRedis();
    const env = { REDIS_URL: redis.url };
    {
      await using one = await start({ ...patient, env });
      await using other = await start({ ...patient, env });
      expect([await one.nextId({ key: 'T-1' }), await other.nextId(), await one.nextId()]).toEqual([1, 5, 12]);
    }
    await using again = await start({ ...patient, env });
    expect(await again.next({ key: 'T-1' })).toMatchObject({ assignee: { id: 1 }, replayed: true });
    expect(await again.nextId()).toBe(23);
  });

  it('are rejected at once while Redis is disconnected, never fall back to memory, and recover automatically', async () => {
    await using redis = await startRedis({ isDurable: true });
    // A call that waited for a timer would never end, because the clock stands still.
    const startRedisTimer = createTimers().start;
    await using test = await start({ ...patient, startRedisTimer, env: { REDIS_URL: redis.url } });
    await test.nextId();
    await redis.stop();
    for (const call of [() => test.next(), () => test.assignments.peek.query(technicians), () => test.order()]) {
      expect(await errorDataOf(call())).toMatchObject({
        code: 'SERVICE_UNAVAILABLE',
        reason: 'store_unavailable',
        retryAfterSeconds: 1,
      });
    }
    // All other procedures still work.
    expect((await test.browser.trpc.users.byId.query({ id: 5 })).id).toBe(5);
    await redis.start();
    await expect.poll(() => test.nextId().catch(() => null)).toBe(5);
    const told = test.app.logLines.map(({ msg }) => msg).filter((msg) => String(msg).startsWith('Redis is'));
    expect(told).toEqual([expect.stringMatching(/^Redis is down/), 'Redis is back.']);
  });

  it('are rejected if Redis hangs', async () => {
    await using redis = await startRedis();
    await using test = await start({ env: { REDIS_URL: redis.url } });
    const given = (key: string) => expect.poll(() => test.nextId({ key }).catch(() => null));
    await given('T-1').toBe(1);
    redis.pause();
    expect(await reasonOf(test.next({ key: 'T-2' }))).toBe('store_unavailable');
    redis.resume();
    await given('T-2').toBe(5);
  });

  it('continue from the keys of the previous version, and store no readable data', async () => {
    await using server = await startRedis();
    const { redis, untilReady, close } = createRedis({
      url: server.url,
      log: silentLog,
      timeoutMs: patientRedisMs,
    });
    await untilReady();
    const earlier = createEarlierStore({ redis, rotation: 'tts/technician' });
    for (const [id, key] of [
      [12, 'T-4711'],
      [23, 'T-4712'],
      [123, 'T-4713'],
    ] as const) {
      await earlier.take([id], key);
    }
    await using test = await start({ ...patient, env: { REDIS_URL: server.url } });
    expect(await test.next({ key: 'T-4712', role: 'TECHNICIAN' })).toMatchObject({
      assignee: { id: 23 },
      replayed: true,
    });
    expect(await test.order()).toEqual([1, 5, 12, 23, 123]);
    expect([await test.nextId({ key: 'T-4714' }), await test.nextId(), await test.nextId()]).toEqual([1, 5, 12]);
    expect(await dumpRedis(redis)).not.toMatch(/technician|(?<![a-z0-9])T-47|staff/i);
    close();
  });

  it('are separate per environment: REDIS_PREFIX and SEALING_KEY each isolate them', async () => {
    await using redis = await startRedis();
    const environments = [{}, { REDIS_PREFIX: 'staging:' }, { SEALING_KEY: 'a-sealing-key-of-its-own-0123456789' }];
    for (const env of environments) {
      await using test = await start({ ...patient, env: { REDIS_URL: redis.url, ...env } });
      expect(await test.next({ key: 'T-1' })).toMatchObject({ assignee: { id: 1 }, replayed: false });
      expect(await test.nextId()).toBe(5);
    }
  });

  it('count the new keys of a person across all replicas', async () => {
    await using redis = await startRedis();
    const options = { ...patient, env: { REDIS_URL: redis.url }, assignmentLimits: { keysPerPersonPerHour: 2 } };
    await using one = await start(options);
    await using other = await start(options);
    expect([await one.nextId({ key: 'T-1' }), await other.nextId({ key: 'T-2' })]).toEqual([1, 5]);
    for (const replica of [one, other]) {
      const data = await errorDataOf(replica.next({ key: 'T-3' }));
      expect(data.reason).toBe('rate_limited');
      expect(data.retryAfterSeconds).toBeGreaterThan(3_500);
      expect(await replica.next({ key: 'T-1' })).toMatchObject({ replayed: true });
    }
    expect(await one.nextId()).toBe(12);
  });

  it('are rejected within a second when the Redis connection is lost', async () => {
    const { redis, close } = createRedis({ url: 'redis://127.0.0.1:1', log: silentLog });
    expect(redis.options).toMatchObject({ commandTimeout: 900, connectTimeout: 900 });
    close();
  });

  it('start while Redis is unavailable, and work once it is available', async () => {
    await using redis = await startRedis();
    await redis.stop();
    await using test = await start({ env: { REDIS_URL: redis.url } });
    expect(await reasonOf(test.next())).toBe('store_unavailable');
    await redis.start();
    await expect.poll(() => test.nextId().catch(() => null)).toBe(1);
  });
});
