import { describe, expect, it } from 'vitest';
import type { AuthServiceClient } from '../../../server/src/auth-service/client.ts';
import { createDirectory } from '../../../server/src/directory/directory.ts';
import { reasonOf } from '../../support/app/browser.ts';
import { heapBytes } from '../../support/measure/collect-garbage.ts';
import { browserOf, crowd } from '../../support/app/crowd.ts';
import { createClock, startApp, type StartAppOptions } from '../../support/app/start-app.ts';

const john = 123;
const minutes = (count: number) => count * 60_000;

/** Tokens with a lifetime of over an hour, for tests that advance the clock. */
const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({
    now: clock.now,
    ...options,
    authService: { accessLifetimeSeconds: 100_000, ...options.authService },
  });
  const browser = await browserOf(app, john);
  const { trpc } = browser;
  return {
    app,
    clock,
    trpc,
    authService: app.authService,
    isStale: () => browser.lastAnswer().headers.get('x-directory-stale'),
    breakDown: () => app.authService.fault('*', { kind: 'status', status: 500 }),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

const rename = (name: string) =>
  ({
    kind: 'transform',
    answer: (answer: { status: number; body: unknown; headers: Record<string, string | string[]> }) => ({
      ...answer,
      body: { ...(answer.body as object), first_name: name },
    }),
  }) as const;

describe('a cached person', () => {
  it('is fresh for a minute, without an upstream call', async () => {
    await using test = await start();
    await test.trpc.users.byId.query({ id: 5 });
    test.authService.fault('user', rename('Renamed'));
    test.clock.advance(59_999);
    expect((await test.trpc.users.byId.query({ id: 5 })).firstName).toBe('Kwame');
    expect([test.isStale(), test.authService.count('user')]).toEqual([null, 1]);
  });

  it('is returned as stale after a minute, and revalidated in the background', async () => {
    await using test = await start();
    await test.trpc.users.byId.query({ id: 5 });
    test.authService.fault('user', rename('Renamed'));
    test.clock.advance(60_000);
    expect((await test.trpc.users.byId.query({ id: 5 })).firstName).toBe('Kwame');
    expect(test.isStale()).toBe('1');
    await expect.poll(() => test.authService.count('user')).toBe(2);
    await expect.poll(async () => (await test.trpc.users.byId.query({ id: 5 })).firstName).toBe('Renamed');
    expect(test.isStale()).toBe(null);
  });

  it('is loaded again after five minutes', async () => {
    await using test = await start();
    await test.trpc.users.byId.query({ id: 5 });
    test.authService.fault('user', rename('Renamed'));
    test.clock.advance(minutes(5));
    expect((await test.trpc.users.byId.query({ id: 5 })).firstName).toBe('Renamed');
    expect(test.isStale()).toBe(null);
  });

  it('is returned as stale during an outage of up to an hour', async () => {
    await using test = await start();
    await test.trpc.users.byId.query({ id: 5 });
    test.breakDown();
    test.clock.advance(minutes(60) - 1);
    expect((await test.trpc.users.byId.query({ id: 5 })).firstName).toBe('Kwame');
    expect(test.isStale()).toBe('1');
    test.clock.advance(1);
    expect(await reasonOf(test.trpc.users.byId.query({ id: 5 }))).toBe('auth_service_unavailable');
  });

  it('is removed from the cache when the Auth Service answers not found', async () => {
    await using test = await start();
    await test.trpc.users.byId.query({ id: 5 });
    test.authService.fault('user', { kind: 'status', status: 404, body: '{"error":"User not found."}' });
    test.clock.advance(minutes(6));
    expect(await reasonOf(test.trpc.users.byId.query({ id: 5 }))).toBe('user_not_found');
    test.authService.clearFaults();
    test.breakDown();
    test.clock.advance(minutes(1));
    expect(await reasonOf(test.trpc.users.byId.query({ id: 5 }))).toBe('auth_service_unavailable');
  });

  it('may come from any lookup: bulk, company id, employee or own profile', async () => {
    await using test = await start();
    const ask = () => [
      test.trpc.users.byIds.query({ ids: [5, 6] }),
      test.trpc.users.byCompanyId.query({ companyId: 'MA0001' }),
      test.trpc.employees.byId.query({ id: 1 }),
      test.trpc.users.me.query(),
    ];
    const before = await Promise.all(ask());
    test.breakDown();
    test.clock.advance(minutes(30));
    expect(await Promise.all(ask())).toEqual(before);
    expect(test.isStale()).toBe('1');
  });
});

describe('a cached person with insufficient data', () => {
  it('is returned as stale during an outage', async () => {
    await using test = await start();
    test.authService.fault('user', { kind: 'status', status: 500 });
    await test.trpc.users.byIds.query({ ids: [5, 6] });
    expect(await reasonOf(test.trpc.users.byId.query({ id: 987_654 }))).toBe('auth_service_unavailable');
    expect((await test.trpc.users.byId.query({ id: 5 })).firstName).toBe('Kwame');
    expect(test.isStale()).toBe('1');
    test.authService.clearFaults();
    await test.trpc.users.byId.query({ id: 5 });
    expect(test.isStale()).toBe(null);
  });
});

describe('an unknown id', () => {
  it('is cached as not found for ten seconds', async () => {
    await using test = await start();
    for (const seconds of [0, 9, 1]) {
      test.clock.advance(seconds * 1_000);
      expect(await reasonOf(test.trpc.users.byId.query({ id: 987_654 }))).toBe('user_not_found');
    }
    expect(test.authService.count('user')).toBe(2);
  });
});

describe('a list of role holders', () => {
  const byRole = ({ trpc }: Awaited<ReturnType<typeof start>>) =>
    trpc.users.byRole.query({ system: 'TTS', role: 'Technician' });

  it('is fresh for 15 seconds, and loaded again after that', async () => {
    await using test = await start();
    await byRole(test);
    test.clock.advance(14_999);
    await byRole(test);
    expect(test.authService.count('round-robin')).toBe(1);
    test.clock.advance(1);
    await byRole(test);
    expect([test.authService.count('round-robin'), test.isStale()]).toEqual([2, null]);
  });

  it('is returned as stale during an outage of up to ten minutes', async () => {
    await using test = await start();
    const before = await byRole(test);
    test.breakDown();
    test.clock.advance(minutes(10) - 1);
    expect(await byRole(test)).toEqual(before);
    expect(test.isStale()).toBe('1');
    test.clock.advance(1);
    expect(await reasonOf(byRole(test))).toBe('auth_service_unavailable');
  });
});

describe('a stale answer', () => {
  it('is never used for permissions: a person whose systems come from user-info more than a minute ago is unavailable', async () => {
    await using test = await start({ authService: { claims: 'least' } });
    const byRole = () => test.trpc.users.byRole.query({ system: 'TTS', role: 'Technician' });
    await byRole();
    expect(test.authService.count('user')).toBe(1);
    test.clock.advance(59_999);
    await byRole();
    expect(test.authService.count('user')).toBe(1);
    test.breakDown();
    test.clock.advance(1);
    expect(await reasonOf(byRole())).toBe('auth_service_unavailable');
    // The systems for display are not used either.
    expect(await test.trpc.session.me.query()).toMatchObject({ systems: [], roles: [] });
  });

  it('is never used for token validation', async () => {
    await using test = await start();
    for (const _ of [1, 2]) expect(await test.trpc.session.validate.query()).toEqual({ valid: true });
    expect(test.authService.count('validate')).toBe(2);
    test.breakDown();
    expect(await reasonOf(test.trpc.session.validate.query())).toBe('auth_service_unavailable');
  });
});

describe('the status of the Auth Service', () => {
  it('is degraded while it is down and stale people are returned, and up after its return', async () => {
    await using test = await start({ recoveryEveryMs: 20 });
    await test.trpc.users.byId.query({ id: 5 });
    test.clock.advance(minutes(10));
    const since = new Date(test.clock.now());
    test.breakDown();
    await test.trpc.users.byId.query({ id: 5 });
    expect(await test.trpc.status.get.query()).toEqual({ authService: 'degraded', since });
    expect(await (await fetch(`${test.app.url}/health/ready`)).json()).toMatchObject({ authService: 'degraded' });
    test.authService.clearFaults();
    await expect.poll(async () => (await test.trpc.status.get.query()).authService).toBe('degraded');
    test.clock.advance(minutes(1));
    await test.trpc.users.byId.query({ id: 5 });
    expect((await test.trpc.status.get.query()).authService).toBe('up');
  });
});

describe('the directory cache', () => {
  it('has a bounded size, however many people are looked up', async () => {
    const authService = {
      user: async (id: number) => ({ user: person(id), reported: new Set(['companyId']) }),
      users: async (ids: readonly number[]) =>
        new Map(ids.map((id) => [id, { user: person(id), reported: new Set(['companyId']) }])),
    } as unknown as AuthServiceClient;
    const person = (id: number) => ({ id, email: `user.${id}@example.com`, firstName: 'S', lastName: `No ${id}` });
    const people = { freshSeconds: 60, staleSeconds: 300, staleOnErrorSeconds: 3600, notFoundSeconds: 10 };
    const lifetimes = { people, roles: people, maxEntries: 1_000 };
    const directory = createDirectory({ authService, lifetimes, now: () => 0 });
    const caller = { type: 'staff', id: john, accessToken: 'none' } as const;
    const load = async (from: number, to: number) => {
      for (let at = from; at < to; at += 500) {
        const ids = crowd(500, at);
        expect((await directory.users(ids, caller)).users).toHaveLength(500);
      }
    };
    await load(0, 20_000);
    const before = heapBytes();
    await load(20_000, 70_000);
    // Less than a number for each of them.
    expect(heapBytes() - before).toBeLessThan(400_000);
  });
});
