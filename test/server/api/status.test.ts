import { describe, expect, it } from 'vitest';
import { nextReport, type Observed, type Reported } from '../../../server/src/auth-service/health/status.ts';
import { errorDataOf } from '../../support/app/browser.ts';
import { browserOf } from '../../support/app/crowd.ts';
import { createClock, forgetful, startApp } from '../../support/app/start-app.ts';

const john = 123;
const minutes = (count: number) => count * 60_000;

/** A person loaded at minute 10, in an app whose Auth Service then fails for that one record. */
const start = async () => {
  const clock = createClock();
  const startedAtMs = clock.now();
  const app = await startApp({ now: clock.now, authService: { accessLifetimeSeconds: 100_000 } });
  const { trpc } = await browserOf(app, john);
  await trpc.users.byId.query({ id: 5 });
  clock.advance(minutes(10));
  app.authService.fault('user', { kind: 'status', status: 500 });
  const ready = async () => {
    const { authService, since } = (await (await fetch(`${app.url}/health/ready`)).json()) as Record<string, string>;
    return { authService, since: new Date(since ?? '') };
  };
  return {
    clock,
    startedAtMs,
    /** Loads the person, which returns the stale cache entry. */
    lookUp: () => trpc.users.byId.query({ id: 5 }),
    /** By `status.get`, which calls the Auth Service if needed, and by health, which does not. */
    ask: { look: () => trpc.status.get.query(), current: ready },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

describe.each(['look', 'current'] as const)('the status reported by %s', (way) => {
  it('never reports a `since` earlier than a previous one while one record fails now and then', async () => {
    await using test = await start();
    const told: Array<{ authService: string | undefined; since: Date }> = [];
    const ask = async () => void told.push(await test.ask[way]());
    await ask();
    for (let round = 0; round < 3; round += 1) {
      await test.lookUp();
      await ask();
      test.clock.advance(minutes(1));
      await ask();
      test.clock.advance(minutes(1));
      await ask();
    }
    expect(told.map(({ authService }) => authService)).toEqual([
      'up',
      ...Array.from({ length: 3 }, () => ['degraded', 'up', 'up']).flat(),
    ]);
    const times = told.map(({ since }) => since.getTime());
    expect(times).toEqual(times.toSorted((left, right) => left - right));
    expect(times[0]).toBe(test.startedAtMs);
  });

  it('reports up since the recovery after a failing record, not since the start', async () => {
    await using test = await start();
    await test.lookUp();
    const degradedAt = new Date(test.clock.now());
    expect(await test.ask[way]()).toEqual({ authService: 'degraded', since: degradedAt });
    test.clock.advance(5_000);
    expect(await test.ask[way]()).toEqual({ authService: 'degraded', since: degradedAt });
    const lastDegradedAt = new Date(test.clock.now());
    test.clock.advance(minutes(1));
    expect(await test.ask[way]()).toEqual({ authService: 'up', since: lastDegradedAt });
  });
});

it('status.get and health report one `since`, in any order of calls', async () => {
  await using test = await start();
  await test.lookUp();
  const first = await test.ask.current();
  test.clock.advance(1_000);
  expect(await test.ask.look()).toEqual(first);
});

describe('an Auth Service that answers 429', () => {
  const limited = { kind: 'status', status: 429, headers: { 'retry-after': '17' } } as const;

  it('is up, and the caller receives a Retry-After', async () => {
    const clock = createClock();
    await using app = await startApp({ now: clock.now, env: forgetful });
    app.authService.fault('*', limited);
    const { trpc } = await browserOf(app, john);
    for (let id = 1; id <= 5; id += 1) {
      const data = await errorDataOf(trpc.users.byId.query({ id }));
      expect(data).toMatchObject({ reason: 'auth_service_unavailable', httpStatus: 503, retryAfterSeconds: 17 });
    }
    expect((await trpc.status.get.query()).authService).toBe('up');
    // By a call of status.get.
    clock.advance(10_000);
    expect((await trpc.status.get.query()).authService).toBe('up');
    expect(app.authService.count()).toBe(6);
  });

  it('is reported as up again after an outage', async () => {
    const clock = createClock();
    await using app = await startApp({ now: clock.now, env: forgetful, recoveryEveryMs: 3_600_000 });
    const { trpc } = await browserOf(app, john);
    app.authService.fault('*', { kind: 'status', status: 503 });
    expect((await trpc.status.get.query()).authService).toBe('down');
    app.authService.fault('*', limited);
    clock.advance(10_000);
    expect((await trpc.status.get.query()).authService).toBe('up');
  });
});

describe('the next report', () => {
  const at = (authService: Reported['authService'], sinceMs: number, atMs: number): Reported => ({
    authService,
    sinceMs,
    atMs,
  });
  it.each<[string, Reported | null, Observed, number, Reported]>([
    ['the first report is the observation', null, { authService: 'up', sinceMs: 5 }, 9, at('up', 5, 9)],
    ['the same state keeps its time', at('up', 5, 9), { authService: 'up', sinceMs: 7 }, 20, at('up', 5, 20)],
    [
      'the same state never goes back',
      at('degraded', 5, 9),
      { authService: 'degraded', sinceMs: 1 },
      20,
      at('degraded', 5, 20),
    ],
    [
      'a change that was not reported yet keeps its own time',
      at('up', 5, 9),
      { authService: 'down', sinceMs: 15 },
      20,
      at('down', 15, 20),
    ],
    [
      'a change from before the last report counts from that report',
      at('up', 5, 9),
      { authService: 'degraded', sinceMs: 7 },
      20,
      at('degraded', 9, 20),
    ],
    [
      'a change back counts from the last report, not from the first time',
      at('degraded', 9, 20),
      { authService: 'up', sinceMs: 5 },
      40,
      at('up', 20, 40),
    ],
    [
      'a clock that was set back does not decrease the time',
      at('up', 50, 90),
      { authService: 'down', sinceMs: 20 },
      30,
      at('down', 50, 30),
    ],
    [
      'a clock that was set back creates no time in the future',
      at('up', 5, 90),
      { authService: 'down', sinceMs: 20 },
      30,
      at('down', 30, 30),
    ],
  ])('%s', (_name, last, observed, nowMs, expected) => {
    expect(nextReport(last, observed, nowMs)).toEqual(expected);
  });
});
