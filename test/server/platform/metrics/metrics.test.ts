import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOfReason } from '@auth-bff/shared';
import { describe, expect, it, vi } from 'vitest';
import { endpoints } from '../../../../server/src/auth-service/endpoints.ts';
import { appRouter } from '../../../../server/src/api/router.ts';
import { reasonOf } from '../../../support/app/browser.ts';
import { browserOf } from '../../../support/app/crowd.ts';
import { createRawConnections } from '../../../support/app/raw-connections.ts';
import { readExposition, sumOf, valueOf, valuesOfLabel } from '../../../support/output/exposition.ts';
import { askRaw, postHeaders, queryTarget, sendLines } from '../../../support/app/raw-request.ts';
import {
  createClock,
  forgetful,
  startApp,
  type StartAppOptions,
  type TestApp,
} from '../../../support/app/start-app.ts';
import { johnsCredentials } from '../../../support/app/people.ts';

const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options });
  const address = await app.listenOps();
  return {
    app,
    clock,
    scrape: async () => readExposition((await askRaw(address, { target: '/metrics' })).body),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

const callsOf = (families: ReturnType<typeof readExposition>, procedure: string, code: string) =>
  valueOf(families, 'auth_bff_call_duration_seconds_count', { procedure, code });
const upstreamOf = (families: ReturnType<typeof readExposition>, endpoint: string, outcome: string) =>
  valueOf(families, 'auth_bff_upstream_call_duration_seconds_count', { endpoint, outcome });
const lookupsOf = (families: ReturnType<typeof readExposition>, kind: string, result: string) =>
  valueOf(families, 'auth_bff_directory_lookups_total', { kind, result });

const names = (app: TestApp, ...paths: string[]) => askRaw(app.url, { target: queryTarget(paths) });

describe('the parser of the text format', () => {
  it.each([
    ['no final newline', '# HELP a b\n# TYPE a gauge\na 1', 'the last line does not end'],
    ['no TYPE', '# HELP a b\na 1\n', 'of no family above it'],
    ['no HELP', '# TYPE a gauge\na 1\n', 'TYPE'],
    ['a name with a dash', '# HELP a-b c\n# TYPE a-b gauge\na-b 1\n', 'HELP'],
    ['an unescaped quote', '# HELP a b\n# TYPE a gauge\na{l="x"y"} 1\n', 'labels'],
    ['a duplicate series', '# HELP a b\n# TYPE a gauge\na{l="x",m="y"} 1\na{m="y",l="x"} 1\n', 'a series twice'],
    ['a counter without _total', '# HELP a b\n# TYPE a counter\na 1\n', '_total is for counters'],
    ['a value that is not a number', '# HELP a b\n# TYPE a gauge\na one\n', 'value'],
    ['a histogram without +Inf', '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n', 'bounds'],
    [
      'buckets that are not cumulative',
      '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
      'not cumulative',
    ],
  ])('rejects %s', (_name, text, fault) => {
    expect(() => readExposition(text)).toThrow(fault);
  });
});

describe('/metrics', () => {
  it('returns valid Prometheus text before and after traffic', async () => {
    await using test = await start();
    const before = await test.scrape();
    expect(before.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['auth_bff_build_info', 'process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds']),
    );
    const { trpc } = await browserOf(test.app, 123);
    await trpc.users.byId.query({ id: 5 });
    const after = await test.scrape();
    expect(after.map(({ name }) => name)).toEqual(before.map(({ name }) => name));
    expect(valuesOfLabel(after, 'version')).toContain(process.version);
    expect(valueOf(after, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  });

  it('counts each call of a batch by its outcome', async () => {
    await using test = await start();
    const { trpc } = await browserOf(test.app, 123);
    await Promise.allSettled([
      trpc.users.byId.query({ id: 5 }),
      trpc.users.byId.query({ id: 999 }),
      trpc.users.byIds.query({ ids: [5, 12] }),
      trpc.users.byId.query({ id: -1 }),
      trpc.status.get.query(),
    ]);
    const families = await test.scrape();
    expect(callsOf(families, 'users.byId', 'OK')).toBe(1);
    expect(callsOf(families, 'users.byId', 'NOT_FOUND')).toBe(1);
    expect(callsOf(families, 'users.byId', 'BAD_REQUEST')).toBe(1);
    expect(callsOf(families, 'users.byIds', 'OK')).toBe(1);
    expect(callsOf(families, 'status.get', 'OK')).toBe(1);
    expect(valueOf(families, 'auth_bff_failures_total', { reason: 'user_not_found' })).toBe(1);
    expect(valueOf(families, 'auth_bff_failures_total', { reason: 'invalid_input' })).toBe(1);
  });

  it('counts once each request that fails before a procedure runs', async () => {
    await using test = await start();
    const { app } = test;
    await names(app, 'users.byId');
    await names(app, 'no.such', 'users.none');
    await askRaw(app.url, { target: '/trpc/session.logout' });
    await askRaw(app.url, { target: '/nothing/here' });
    await askRaw(app.url, { target: '/trpc/%zz' });
    await askRaw(app.url, { method: 'POST', target: '/trpc/session.logout', body: '{}' });
    await askRaw(app.url, { method: 'POST', target: '/trpc/session.login', headers: postHeaders, body: '{' });
    await sendLines(app.url, ['NONSENSE', '', '']);
    const families = await test.scrape();
    expect(callsOf(families, 'users.byId', 'UNAUTHORIZED')).toBe(1);
    expect(callsOf(families, 'unknown', 'NOT_FOUND')).toBe(2);
    expect(callsOf(families, 'session.logout', 'METHOD_NOT_SUPPORTED')).toBe(1);
    expect(callsOf(families, 'none', 'NOT_FOUND')).toBe(1);
    expect(callsOf(families, 'none', 'UNSUPPORTED_MEDIA_TYPE')).toBe(1);
    // The unparsable path and line, and the body.
    const broken = ['none', 'session.login'].map((procedure) => callsOf(families, procedure, 'BAD_REQUEST') ?? 0);
    expect(broken.reduce((sum, count) => sum + count)).toBe(3);
    const all = families.find(({ name }) => name === 'auth_bff_call_duration_seconds')?.samples ?? [];
    const counted = all.filter(({ name }) => name.endsWith('_count')).reduce((sum, { value }) => sum + value, 0);
    expect(counted).toBe(9);
  });

  it('counts calls of the Auth Service by endpoint and outcome, and cache hits', async () => {
    await using test = await start();
    const { app, clock } = test;
    const { trpc } = await browserOf(app, 123);
    await trpc.users.byId.query({ id: 5 });
    await trpc.users.byId.query({ id: 5 });
    await trpc.employees.byId.query({ id: 3 });
    clock.advance(400_000);
    app.authService.fault('user', { kind: 'status', status: 500 });
    await trpc.users.byId.query({ id: 5 });
    app.authService.fault('by-company', { kind: 'status', status: 429 });
    await reasonOf(trpc.users.byCompanyId.query({ companyId: 'MA0001' }));
    const families = await test.scrape();
    expect(upstreamOf(families, 'profile-by-company', 'rate_limited')).toBe(1);
    expect(lookupsOf(families, 'user', 'miss')).toBe(1);
    expect(lookupsOf(families, 'user', 'hit')).toBe(1);
    expect(lookupsOf(families, 'user', 'stale')).toBe(1);
    expect(lookupsOf(families, 'employee', 'miss')).toBe(1);
    expect(upstreamOf(families, 'user-info', 'answered')).toBe(app.authService.count('user') - 1);
    expect(upstreamOf(families, 'user-info', 'unavailable')).toBe(1);
    expect(upstreamOf(families, 'employee-internal', 'answered')).toBe(1);
  });

  it('reports open breakers and stale cache hits', async () => {
    await using test = await start({ monotonicNow: () => 0, recoveryEveryMs: 3_600_000 });
    const { app, clock } = test;
    const { trpc } = await browserOf(app, 123);
    await trpc.users.byId.query({ id: 5 });
    const stateOf = async (state: string) => valueOf(await test.scrape(), 'auth_bff_auth_service_state', { state });
    const breakerOf = async () => valueOf(await test.scrape(), 'auth_bff_breaker_state', { endpoint: 'user-info' });
    expect(await Promise.all(['up', 'degraded', 'down'].map(stateOf))).toEqual([1, 0, 0]);
    expect(await breakerOf()).toBe(0);
    app.authService.fault('*', { kind: 'status', status: 503 });
    clock.advance(400_000);
    for (const id of [2, 6, 8, 12, 23, 31]) {
      const { trpc: of } = await browserOf(app, id);
      for (const other of [1, 2]) {
        expect(await reasonOf(of.users.byId.query({ id: 2_000_000 + id * 10 + other }))).toBe(
          'auth_service_unavailable',
        );
      }
    }
    await trpc.users.byId.query({ id: 5 });
    expect(await breakerOf()).toBe(2);
    expect(await Promise.all(['up', 'degraded', 'down'].map(stateOf))).toEqual([0, 1, 0]);
  });

  it('counts refreshes, rate-limited calls and assignments by outcome', async () => {
    await using test = await start({ env: { RATE_LIMIT_PER_MINUTE: '20' } });
    const { app } = test;
    const browser = app.browser();
    await browser.trpc.session.login.mutate(johnsCredentials);
    await browser.trpc.session.refresh.mutate();
    await browser.trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician', key: 'T-1' });
    await browser.trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician', key: 'T-1' });
    const anonymous = app.browser();
    expect(await reasonOf(anonymous.trpc.session.refresh.mutate())).toBe('no_token');
    for (let asked = 0; asked < 12; asked += 1) {
      await anonymous.trpc.session.login.mutate({ email: 'user@example.com', password: 'wrong' }).catch(() => {});
    }
    for (let asked = 0; asked < 20; asked += 1) await askRaw(app.url, { target: queryTarget('status.get') });
    const families = await test.scrape();
    expect(valueOf(families, 'auth_bff_refreshes_total', { outcome: 'exchanged' })).toBe(1);
    expect(valueOf(families, 'auth_bff_refreshes_total', { outcome: 'refused' })).toBe(1);
    expect(valueOf(families, 'auth_bff_assignments_total', { outcome: 'assigned' })).toBe(1);
    expect(valueOf(families, 'auth_bff_assignments_total', { outcome: 'replayed' })).toBe(1);
    expect(valueOf(families, 'auth_bff_rate_limited_total', { limit: 'sign_in' })).toBeGreaterThan(0);
    expect(valueOf(families, 'auth_bff_rate_limited_total', { limit: 'requests' })).toBeGreaterThan(0);
  });

  it('counts a client disconnect as no error', async () => {
    await using test = await start();
    const { app } = test;
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    app.authService.fault('user', { kind: 'hang' });
    const left = new AbortController();
    const asking = fetch(app.url + queryTarget('users.byId', { json: { id: 5 } }), {
      headers: { cookie: `access_token=${access}` },
      signal: left.signal,
    });
    await vi.waitFor(() => expect(app.authService.count('user')).toBe(1));
    left.abort();
    await expect(asking).rejects.toThrow('aborted');
    await vi.waitFor(async () => expect(callsOf(await test.scrape(), 'users.byId', 'CLIENT_CLOSED_REQUEST')).toBe(1));
    await vi.waitFor(async () => expect(upstreamOf(await test.scrape(), 'user-info', 'abandoned')).toBe(1));
    expect(sumOf(await test.scrape(), 'auth_bff_failures_total')).toBe(0);
  });

  it('reports each event-loop delay once', async () => {
    await using test = await start();
    const lag = async () => valueOf(await test.scrape(), 'nodejs_eventloop_lag_max_seconds');
    const holdUp = () => {
      const until = performance.now() + 300;
      while (performance.now() < until);
    };
    // Node forgets the first delay after a scrape. It measures at timers, so one has to run in between.
    holdUp();
    await delay(1);
    holdUp();
    expect(await lag()).toBeGreaterThan(0.2);
    await vi.waitFor(async () => expect(await lag()).toBeLessThan(0.2));
  });

  it('creates no series from values that clients send', async () => {
    await using test = await start({ env: forgetful });
    const { app } = test;
    const { ask } = createRawConnections(app.url);
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    for (let at = 0; at < 14; at += 1) {
      const name = ['made.up', '__proto__', 'constructor', 'users', 'users.byId ', 'a"b\\c\nd', `r${at}`][at % 7] ?? '';
      const headers = { cookie: `access_token=${access}`, 'x-request-id': `id-${at}` };
      await ask({ target: `/trpc/${encodeURIComponent(`${name}${at}`)},users.byId?batch=1`, headers });
      await ask({ target: `/${at}/health/live`, headers });
      const input = { json: { system: 'TTS', role: `role-${at}` } };
      await ask({ target: queryTarget('users.byRole', input), headers });
      const companyId = { json: { companyId: `C-${at}` } };
      await ask({ target: queryTarget('users.byCompanyId', companyId), headers });
    }
    const families = await test.scrape();
    const procedures = [...Object.keys(appRouter._def.procedures), 'unknown', 'none'];
    expect(procedures).toEqual(expect.arrayContaining(valuesOfLabel(families, 'procedure')));
    expect(valuesOfLabel(families, 'procedure').toSorted()).toEqual(
      ['none', 'unknown', 'users.byCompanyId', 'users.byId', 'users.byRole'].toSorted(),
    );
    const known = new Set(
      Object.values(endpoints).flatMap((endpoint) =>
        typeof endpoint === 'function'
          ? (endpoint as (key: never) => { name: string })('1' as never).name
          : 'name' in endpoint
            ? endpoint.name
            : Object.values(endpoint).map(({ name }) => name),
      ),
    );
    expect(valuesOfLabel(families, 'endpoint').filter((endpoint) => !known.has(endpoint))).toEqual([]);
    expect(valuesOfLabel(families, 'reason').filter((one) => !Object.hasOwn(codeOfReason, one))).toEqual([]);
  });
});

it('several apps in one process share one garbage-collection observer for their metrics', async () => {
  const observe = vi.spyOn(PerformanceObserver.prototype, 'observe');
  for (let apps = 0; apps < 3; apps += 1) {
    await using test = await start();
    await test.scrape();
  }
  expect(observe.mock.calls.length).toBeLessThanOrEqual(1);
});
