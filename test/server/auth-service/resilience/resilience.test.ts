import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  type AuthServiceOptions,
  type Fault,
  startAuthService,
} from '../../../../server/dev/auth-service/auth-service.ts';
import { endpoints } from '../../../../server/src/auth-service/endpoints.ts';
import { createResilience } from '../../../../server/src/auth-service/resilience/resilience.ts';
import { createTransport } from '../../../../server/src/auth-service/transport.ts';
import type { AppError } from '../../../../server/src/errors.ts';
import { errorDataOf, reasonOf } from '../../../support/app/browser.ts';
import { browserOf, crowd } from '../../../support/app/crowd.ts';
import { createDeadlines } from '../../../support/time/deadlines.ts';
import { freePort } from '../../../support/processes/run-process.ts';
import { pastDeadlineAt } from '../../../support/time/past-deadline.ts';
import { apiKey, createClock, forgetful, signingKey, startApp } from '../../../support/app/start-app.ts';
import { hold } from '../../../support/time/hold.ts';

const user = endpoints.user(5);

/** Resilience over a real transport to a real service: the test moves the clock, sleeps end at once, no deadline passes. */
const start = async (options: Partial<AuthServiceOptions> = {}) => {
  const clock = createClock();
  const { create: createDeadline } = createDeadlines();
  const authService = await startAuthService({ signingKey, apiKey, now: clock.now, ...options });
  const transport = createTransport({ url: authService.url, apiKey, createDeadline });
  const slept: number[] = [];
  const resilience = createResilience({
    transport,
    now: clock.now,
    monotonicNow: clock.now,
    random: () => 0.5,
    sleep: async (ms) => void slept.push(ms),
    createDeadline,
  });
  const { access } = await authService.issue({ type: 'staff', id: 123 });
  const ask = (endpoint = user, exchange: Parameters<typeof resilience.request>[1] = {}) =>
    resilience.request(endpoint, { accessToken: access, person: 'staff 123', ...exchange });
  return {
    authService,
    clock,
    slept,
    resilience,
    ask,
    failureOf: async (call: Promise<unknown>): Promise<AppError> => {
      const outcome: unknown = await call.then(
        () => null,
        (error: unknown) => error,
      );
      if (outcome === null) throw new Error('A failure was expected.');
      return outcome as AppError;
    },
    async [Symbol.asyncDispose]() {
      await transport.close();
      await authService.close();
    },
  };
};
const status = (code: number, rest: { times?: number; headers?: Record<string, string> } = {}): Fault => ({
  kind: 'status',
  status: code,
  ...rest,
});

describe('a failed read', () => {
  it.each([
    ['502', status(502, { times: 2 })],
    ['503', status(503, { times: 2 })],
    ['504', status(504, { times: 2 })],
    ['a connection that is reset before any answer', { kind: 'reset', times: 2 }],
  ] satisfies Array<[string, Fault]>)('is retried twice after %s, with full jitter', async (_name, fault) => {
    await using test = await start();
    test.authService.fault('user', fault);
    expect((await test.ask()).status).toBe(200);
    expect(test.authService.count('user')).toBe(3);
    expect(test.slept).toEqual([25, 50]);
  });

  it('is retried at most twice', async () => {
    await using test = await start();
    test.authService.fault('user', status(503));
    expect((await test.ask()).status).toBe(503);
    expect(test.authService.count('user')).toBe(3);
  });

  it('is retried as a POST for a bulk lookup of users', async () => {
    await using test = await start();
    test.authService.fault('users', status(503, { times: 1 }));
    expect((await test.ask(endpoints.users, { json: { user_ids: [5] } })).status).toBe(200);
  });

  it.each([500, 501, 429, 404, 401])('is not retried after status %i', async (code) => {
    await using test = await start();
    test.authService.fault('user', status(code));
    expect((await test.ask()).status).toBe(code);
    expect(test.authService.count('user')).toBe(1);
  });

  it('is retried after Retry-After if the deadline allows it', async () => {
    await using test = await start();
    test.authService.fault('user', status(503, { times: 1, headers: { 'retry-after': '2' } }));
    expect((await test.ask()).status).toBe(200);
    expect(test.slept).toEqual([2_025]);
    test.authService.fault('user', status(503, { times: 1, headers: { 'retry-after': '3' } }));
    expect((await test.ask()).status).toBe(503);
    expect(test.slept).toHaveLength(1);
  });

  it('is retried for at most a fifth of the requests', async () => {
    await using test = await start();
    test.authService.fault('user', status(503));
    const people = crowd(200).map((id) => `staff ${id}`);
    // Good calls between them keep the breaker closed.
    for (const person of people) {
      await test.ask(endpoints.validateStaff, { person });
      await test.ask(endpoints.user(5), { person: 'staff 123' });
    }
    // 10 that were saved up, and a fifth of 400.
    expect(test.authService.count('user') - 200).toBeLessThanOrEqual(90);
    expect(test.authService.count('user') - 200).toBeGreaterThan(80);
  });
});

describe('a failed write', () => {
  it.each([
    ['a sign-in', endpoints.signIn.staff],
    ['a refresh', endpoints.refresh.staff],
    ['a sign-out', endpoints.signOut.staff],
  ])('is not retried: %s', async (_name, endpoint) => {
    await using test = await start();
    test.authService.fault('*', { kind: 'reset' });
    await test.failureOf(test.ask(endpoint, { json: {} }));
    expect(test.authService.count()).toBe(1);
  });
});

describe('an endpoint with persistent failures', () => {
  it('is not called while its breaker is open, fails fast, and is probed by one call later', async () => {
    await using test = await start();
    test.authService.fault('user', status(500));
    for (let index = 0; index < 10; index += 1) await test.ask(user, { person: `staff ${index}` });
    expect(test.authService.count('user')).toBe(10);
    const refused = Promise.all(Array.from({ length: 100 }, () => test.failureOf(test.ask())));
    // No I/O and no timer comes before it.
    expect(await Promise.race([refused, nextTurn('a wait')])).toHaveLength(100);
    const failures = await refused;
    expect(failures[0]).toMatchObject({ reason: 'auth_service_unavailable', retryAfterSeconds: 5 });
    expect(test.authService.count('user')).toBe(10);
    // The others are.
    expect((await test.ask(endpoints.validateStaff)).status).toBe(200);

    test.authService.clearFaults();
    test.clock.advance(5_000);
    await Promise.all([test.ask(), ...Array.from({ length: 20 }, () => test.failureOf(test.ask()))]);
    expect(test.authService.count('user')).toBe(11);
    expect((await test.ask()).status).toBe(200);
  });

  it('is still called if only one person’s token makes it fail', async () => {
    await using test = await start({ dialect: 'deployed' });
    const { access } = await test.authService.issue({ type: 'staff', id: 987_654 });
    for (let index = 0; index < 30; index += 1) {
      expect((await test.ask(user, { accessToken: access, person: 'staff 987654' })).status).toBe(500);
    }
    expect((await test.ask()).status).toBe(200);
  });

  it('counts calls for its breaker, not attempts', async () => {
    await using test = await start();
    test.authService.fault('user', status(503));
    for (let index = 0; index < 9; index += 1) await test.ask(user, { person: `staff ${index}` });
    expect(test.authService.count('user')).toBeGreaterThan(10);
    test.authService.clearFaults();
    expect((await test.ask()).status).toBe(200);
  });

  it('does not open its breaker by unexpected responses', async () => {
    await using test = await start();
    test.authService.fault('user', { kind: 'garbage' });
    for (let index = 0; index < 30; index += 1) {
      const failure = await test.failureOf(test.ask(user, { person: `staff ${index}` }));
      expect(failure.reason).toBe('auth_service_contract');
    }
  });
});

describe('calls beyond the limit of the bulkhead', () => {
  const people = (count: number, from = 0) => crowd(count, from).map((id) => `staff ${id}`);

  it('are queued up to 256, and rejected immediately beyond that', async () => {
    await using test = await start();
    const { until, release } = hold();
    test.authService.fault('user', { kind: 'hold', until });
    const calls = people(64 + 256).map((person) => test.ask(user, { person }));
    await expect.poll(() => test.authService.count('user')).toBe(64);
    const refused = test.failureOf(test.ask());
    expect(await Promise.race([refused, nextTurn('a wait')])).toMatchObject({
      reason: 'overloaded',
      retryAfterSeconds: 1,
    });
    release();
    expect((await Promise.all(calls)).every((answer) => answer.status === 200)).toBe(true);
  });

  it('of one person get a quarter of the slots and half of the queue, and are rejected beyond that', async () => {
    await using test = await start();
    const { until, release } = hold();
    test.authService.fault('user', { kind: 'hold', until });
    const calls = Array.from({ length: 16 + 128 }, () => test.ask());
    await expect.poll(() => test.authService.count('user')).toBe(16);
    const refused = test.failureOf(test.ask());
    expect(await Promise.race([refused, nextTurn('a wait')])).toMatchObject({ reason: 'overloaded' });
    const others = people(48).map((person) => test.ask(user, { person }));
    await expect.poll(() => test.authService.count('user')).toBe(64);
    release();
    expect((await Promise.all([...calls, ...others])).every((answer) => answer.status === 200)).toBe(true);
  });

  it('of unverified callers are limited per network, with any claimed identity', async () => {
    await using test = await start();
    test.authService.fault('staff-login', { kind: 'hang' });
    const abort = new AbortController();
    const signIn = (address: string) =>
      test.failureOf(
        test.resilience.request(endpoints.signIn.staff, { json: { email: 'a@b.c' }, address, signal: abort.signal }),
      );
    const sameNetwork = Array.from({ length: 100 }, (_, index) => signIn(`2001:db8:0:1::${index}`));
    await expect.poll(() => test.authService.count('staff-login')).toBe(16);
    const another = signIn('2001:db8:0:2::1');
    await expect.poll(() => test.authService.count('staff-login')).toBe(17);
    abort.abort();
    await Promise.all([...sameNetwork, another]);
  });

  it('are queued again for each retry', async () => {
    await using test = await start();
    const { until, release } = hold();
    test.authService.fault('user', { kind: 'status', status: 503, times: 1 });
    const events: string[] = [];
    const retried = test.ask(user, { onQueued: () => events.push('waits'), onAdmitted: () => events.push('begins') });
    test.authService.fault('validate', { kind: 'hold', until });
    const slow = Array.from({ length: 16 }, () => test.ask(endpoints.validateStaff));
    await expect.poll(() => test.authService.count('user')).toBe(1);
    await expect.poll(() => events).toEqual(['begins', 'waits']);
    release();
    expect((await retried).status).toBe(200);
    expect(events).toEqual(['begins', 'waits', 'begins']);
    await Promise.all(slow);
  });

  it('free their place in the queue when the client disconnects', async () => {
    await using test = await start();
    test.authService.fault('user', { kind: 'hang' });
    const [busy, waiting] = [new AbortController(), new AbortController()];
    const failures = [
      ...people(64).map((person) => test.failureOf(test.ask(user, { person, signal: busy.signal }))),
      ...people(256, 64).map((person) => test.failureOf(test.ask(user, { person, signal: waiting.signal }))),
    ];
    await expect.poll(() => test.authService.count('user')).toBe(64);
    waiting.abort();
    await Promise.all(failures.slice(64));
    test.authService.clearFaults();
    const later = test.ask();
    busy.abort();
    expect((await later).status).toBe(200);
    await Promise.all(failures);
  });
});

describe('the deadline of an upstream call', () => {
  it('covers all of its attempts', async () => {
    await using app = await startApp({ env: forgetful });
    const { trpc } = await browserOf(app, 123);
    app.authService.fault('user', status(503, { times: 1 }));
    expect((await trpc.users.byId.query({ id: 5 })).id).toBe(5);
    expect([app.authService.count('user'), app.deadlines.created()]).toEqual([2, 1]);
    app.authService.fault('user', { kind: 'hang' });
    const end = () => reasonOf(trpc.users.byId.query({ id: 5 }));
    expect(await pastDeadlineAt(app, 'user', end)).toBe('auth_service_unavailable');
    expect([app.authService.count('user'), app.deadlines.created()]).toEqual([3, 2]);
  });

  it('is 3 s for a lookup', async () => {
    const setMs: number[] = [];
    const createDeadline = (ms: number) => {
      setMs.push(ms);
      return new AbortController().signal;
    };
    await using app = await startApp({ env: forgetful, createDeadline });
    const { trpc } = await browserOf(app, 123);
    expect((await trpc.users.byId.query({ id: 5 })).id).toBe(5);
    expect(setMs).toEqual([3_000]);
  });

  it('ends slow calls without effect on later calls to a recovered service', async () => {
    await using app = await startApp({ env: forgetful });
    const browser = await browserOf(app, 123);
    app.authService.fault('user', { kind: 'hang', times: 1 });
    const end = () => reasonOf(browser.trpc.users.byId.query({ id: 5 }));
    expect(await pastDeadlineAt(app, 'user', end)).toBe('auth_service_unavailable');
    expect((await browser.trpc.users.byId.query({ id: 5 })).id).toBe(5);
    expect(browser.setCookies).toEqual([]);
  });
});

describe('an Auth Service that fails under load', () => {
  it('is replaced by the cache for known people, causes fast 503s for others, and is used again after its return', async () => {
    const clock = createClock();
    // A port that no other process uses during the outage.
    const port = await freePort();
    await using app = await startApp({
      now: clock.now,
      recoveryEveryMs: 50,
      env: { DIRECTORY_FRESH_SECONDS: '1' },
      authService: { port, accessLifetimeSeconds: 100_000 },
    });
    const browsers = await Promise.all(crowd(5).map((id) => browserOf(app, id)));
    const known = crowd(100);
    let nextUnknown = 1_000;
    let failuresOfKnown = 0;
    const told: unknown[] = [];
    const round = async (expected: 'up' | 'down') =>
      Promise.all(
        browsers.map(async ({ trpc }, index) => {
          await trpc.users.byId.query({ id: known[(nextUnknown + index) % 100] ?? 0 }).catch(() => {
            failuresOfKnown += 1;
          });
          const [unknown = 0] = crowd(1, (nextUnknown += 1));
          const call = trpc.users.byId.query({ id: unknown });
          if (expected === 'up') await call;
          else told.push(await errorDataOf(call));
        }),
      );
    const { trpc } = browsers[0] ?? app.browser();
    await trpc.users.byIds.query({ ids: known });
    await round('up');

    await app.authService.close();
    clock.advance(30 * 60_000);
    for (let count = 0; count < 20; count += 1) await round('down');
    expect(failuresOfKnown).toBe(0);
    expect(told).toHaveLength(100);
    for (const data of told) expect(data).toMatchObject({ httpStatus: 503, retryAfterSeconds: expect.any(Number) });
    expect((await trpc.status.get.query()).authService).toBe('degraded');
    expect(browsers.flatMap(({ setCookies }) => setCookies)).toEqual([]);

    await using _again = await startAuthService({ port, signingKey, apiKey, now: clock.now });
    await expect.poll(async () => (await trpc.status.get.query()).authService).not.toBe('down');
    await expect
      .poll(async () =>
        round('up').then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    const target = `${app.url}/trpc/users.byIds?input=${encodeURIComponent(JSON.stringify({ json: { ids: known } }))}`;
    const staleness = async () => (await browsers[0]?.fetch(target))?.headers.get('x-directory-stale');
    await expect.poll(staleness).toBeNull();
  });
});
