import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createSharedLoads } from '../../../server/src/directory/shared-loads.ts';
import { createPerCallerKeys } from '../../../server/src/directory/per-caller-keys.ts';
import { AppError } from '../../../server/src/errors.ts';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { browserOf, crowd, probeBulkLookups } from '../../support/app/crowd.ts';
import { createRawConnections } from '../../support/app/raw-connections.ts';
import { queryTarget } from '../../support/app/raw-request.ts';
import { serve } from '../../support/app/serve.ts';
import { createClock, dialects, forgetful, startApp, type TestApp } from '../../support/app/start-app.ts';
import { hold } from '../../support/time/hold.ts';

const lookups = ({ authService }: TestApp) => authService.count('user') + authService.count('users');

/** Holds every lookup until the test releases it. */
const holdLookups = ({ authService }: TestApp) => {
  const { until, release } = hold();
  for (const endpoint of ['user', 'users'] as const) authService.fault(endpoint, { kind: 'hold', until });
  return () => {
    authService.clearFaults();
    release();
  };
};

describe.each(dialects)('user lookups, in the %s dialect,', (dialect) => {
  it('cause one upstream request for 50 calls of a batch, and none when cached', async () => {
    await using app = await startApp({ dialect });
    await probeBulkLookups(app);
    const { trpc } = await browserOf(app, 123);
    const page = () => Promise.all(crowd(50).map((id) => trpc.users.byId.query({ id })));
    expect((await page()).map(({ id }) => id)).toEqual(crowd(50));
    expect(app.authService.count()).toBe(1);
    await page();
    expect(app.authService.count()).toBe(1);
  });

  it('cause at most one additional request at first, for the bulk-lookup probe', async () => {
    await using app = await startApp({ dialect });
    const { trpc } = await browserOf(app, 123);
    await Promise.all(crowd(50).map((id) => trpc.users.byId.query({ id })));
    expect(app.authService.count()).toBe(2);
  });

  it('cause one upstream request for 100 requests of the same user', async () => {
    await using app = await startApp({ dialect });
    const browsers = await Promise.all(Array.from({ length: 10 }, (_, index) => browserOf(app, crowd(10)[index] ?? 0)));
    const answers = await Promise.all(
      browsers.flatMap(({ trpc }) => Array.from({ length: 10 }, () => trpc.users.byId.query({ id: 5 }))),
    );
    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, () => 5));
    expect(app.authService.count()).toBe(1);
  });

  it('cause at most 4 upstream requests for 200 pages of 200 users within 5 seconds', async () => {
    const clock = createClock();
    await using app = await startApp({ dialect, now: clock.now });
    await probeBulkLookups(app);
    // Without a client of tRPC, which would take most of the time.
    using connections = createRawConnections(app.url);
    const cookies = await Promise.all(
      crowd(4).map(async (id) => `access_token=${(await app.authService.issue({ type: 'staff', id })).access}`),
    );
    const everybody = crowd(200);
    // Not read by superjson, which would take a third of the time.
    const incomplete: string[] = [];
    for (let wave = 0; wave < 50; wave += 1) {
      clock.advance(100);
      await Promise.all(
        cookies.map(async (cookie, index) => {
          const from = ((wave * 7 + index) % 4) * 50;
          const target = queryTarget('users.byIds', { json: { ids: everybody.slice(from, from + 50) } });
          const { status, body } = await connections.ask({ target, headers: { cookie } });
          if (status !== 200 || !body.includes('"notFound":[]')) incomplete.push(body);
        }),
      );
    }
    expect(incomplete).toEqual([]);
    expect(lookups(app)).toBeLessThanOrEqual(4);
    expect(app.authService.count()).toBe(lookups(app));
  });

  it('return 48 users, one NOT_FOUND and one BAD_GATEWAY for a page with one deleted and one broken user', async () => {
    await using app = await startApp({ dialect });
    await probeBulkLookups(app);
    const ids = [...crowd(49), 987_654];
    app.authService.fault('users', {
      kind: 'transform',
      answer: (answer) => ({
        ...answer,
        body: JSON.parse(JSON.stringify(answer.body).replace('"somebody.2000007@example.com"', 'null')),
      }),
    });
    const { trpc } = await browserOf(app, 123);
    const outcomes = await Promise.all(
      ids.map((id) =>
        trpc.users.byId.query({ id }).then(
          () => 'OK',
          async (error: unknown) => (await errorDataOf(Promise.reject(error as Error))).code,
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'OK')).toHaveLength(48);
    expect(outcomes[6]).toBe('BAD_GATEWAY');
    expect(outcomes[49]).toBe('NOT_FOUND');
    expect(app.authService.count()).toBe(1);
  });

  it('succeed for the other callers if the token of the shared load was revoked', async () => {
    await using app = await startApp({ dialect });
    const [gone, ...others] = await Promise.all([987_654, 1, 2].map((id) => browserOf(app, id)));
    const release = holdLookups(app);
    const refused = gone ? reasonOf(gone.trpc.users.byId.query({ id: 5 })) : null;
    await expect.poll(() => app.authService.count('user')).toBe(1);
    const answers = others.map(({ trpc }) => trpc.users.byId.query({ id: 5 }));
    // This request passes through the whole server, so the earlier ones have joined the load by then.
    await fetch(`${app.url}/health/live`);
    release();
    expect(await refused).toBe(dialect === 'guide' ? 'session_ended' : 'auth_service_unavailable');
    expect((await Promise.all(answers)).map(({ id }) => id)).toEqual([5, 5]);
  });
});

describe('a load that several persons share', () => {
  it('rejects only the person whose token gets a 403, and is not shared for a minute', async () => {
    const clock = createClock();
    await using app = await startApp({ now: clock.now });
    const [denied, one, other] = await Promise.all([1, 2, 3].map((id) => browserOf(app, id)));
    if (!denied || !one || !other) throw new Error('Three people were expected.');
    app.authService.fault('user', { kind: 'status', status: 403, times: 1 });
    expect(await reasonOf(denied.trpc.users.byId.query({ id: 5 }))).toBe('insufficient_permissions');
    app.authService.resetCalls();

    // Each request uses a new token of its own.
    for (const { trpc } of [one, other, one]) expect((await trpc.users.byId.query({ id: 5 })).id).toBe(5);
    expect(app.authService.count('user')).toBe(3);
    await Promise.all([one, other].map(({ trpc }) => trpc.users.byId.query({ id: 5 })));
    expect(app.authService.count('user')).toBe(5);

    clock.advance(60_000);
    for (const { trpc } of [one, other, one]) await trpc.users.byId.query({ id: 5 });
    expect(app.authService.count('user')).toBe(6);
  });

  it('bypasses the cache after some caller was denied', async () => {
    const clock = createClock();
    await using app = await startApp({ now: clock.now });
    const [known, denied] = await Promise.all([1, 2].map((id) => browserOf(app, id)));
    if (!known || !denied) throw new Error('Two people were expected.');
    await known.trpc.users.byId.query({ id: 5 });
    clock.advance(400_000);
    app.authService.fault('user', { kind: 'status', status: 403 });
    expect(await reasonOf(denied.trpc.users.byId.query({ id: 5 }))).toBe('insufficient_permissions');
    expect(await reasonOf(known.trpc.users.byId.query({ id: 5 }))).toBe('insufficient_permissions');
  });

  it.each([
    ['fails', 500],
    ['rate limits the first caller', 429],
  ])('is retried once, not with every token, if the service %s', async (_name, upstream) => {
    const asked: number[] = [];
    const { load } = createSharedLoads<number, string>({
      load: async (keys, caller) => {
        asked.push(caller.id);
        const failure = new AppError('auth_service_unavailable', { upstream });
        return new Map(keys.map((key) => [key, failure]));
      },
      notFound: () => new AppError('user_not_found'),
      perCallerKeys: createPerCallerKeys<number>({ now: () => 0 }),
      maxKeys: 100,
    });
    const people = crowd(20).map((id) => ({ type: 'staff', id, accessToken: 'none' }) as const);
    const outcomes = await Promise.allSettled(people.map((caller) => load(5, caller)));
    expect(outcomes.map(({ status }) => status)).toEqual(people.map(() => 'rejected'));
    expect(asked).toEqual(crowd(2));
  });

  it('never uses the token of an employee, who may not look up users', async () => {
    await using app = await startApp();
    const browser = app.browser();
    browser.holdTokens(await app.authService.issue({ type: 'employee', id: 1 }));
    expect(await reasonOf(browser.trpc.users.byId.query({ id: 5 }))).toBe('insufficient_permissions');
    expect(app.authService.count()).toBe(0);
  });
});

describe('a client that disconnects', () => {
  /** An Auth Service that responds on demand and counts closed connections. */
  const startHanging = async () => {
    const waiting: ServerResponse[] = [];
    let hungUp = 0;
    const server = await serve((_request, response) => {
      waiting.push(response);
      response.once('close', () => {
        if (!response.writableFinished) hungUp += 1;
      });
    });
    return {
      ...server,
      waiting: () => waiting.length,
      hungUp: () => hungUp,
      answer(json: unknown) {
        for (const response of waiting) {
          if (!response.destroyed) {
            response.setHeader('content-type', 'application/json');
            response.end(JSON.stringify(json));
          }
        }
      },
    };
  };
  const record = { id: 5, email: 'k@example.com', first_name: 'K', last_name: 'M' };
  const target = '/trpc/users.byId?batch=1&input=%7B%220%22%3A%7B%22json%22%3A%7B%22id%22%3A5%7D%7D%7D';

  it('cancels the upstream request if it is the only waiter', async () => {
    await using authService = await startHanging();
    await using app = await startApp({ env: { AUTH_SERVICE_URL: authService.url } });
    const browser = await browserOf(app, 123);
    const abort = new AbortController();
    const call = browser.fetch(`${app.url}${target}`, { signal: abort.signal }).catch(() => null);
    await expect.poll(authService.waiting).toBe(1);
    abort.abort();
    await call;
    await expect.poll(authService.hungUp).toBe(1);
    // A client disconnect is not logged as an error.
    expect(app.logLines.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });

  it('does not affect the answers of other waiters', async () => {
    await using authService = await startHanging();
    await using app = await startApp({ env: { AUTH_SERVICE_URL: authService.url } });
    const [one, other] = await Promise.all([1, 2].map((id) => browserOf(app, id)));
    if (!one || !other) throw new Error('Two people were expected.');
    const abort = new AbortController();
    const left = one.fetch(`${app.url}${target}`, { signal: abort.signal }).catch(() => null);
    await expect.poll(authService.waiting).toBe(1);
    let arrived = false;
    app.app.server.server.once('request', () => {
      arrived = true;
    });
    const answer = other.trpc.users.byId.query({ id: 5 });
    await expect.poll(() => arrived).toBe(true);
    // What comes in by the next request has all of this one's promises behind it.
    await other.fetch(`${app.url}/health/live`);
    abort.abort();
    await left;
    await other.fetch(`${app.url}/health/live`);
    authService.answer(record);
    expect((await answer).id).toBe(5);
    expect([authService.waiting(), authService.hungUp()]).toEqual([1, 0]);
  });
});

describe('an Auth Service whose bulk lookup is incomplete', () => {
  const tellLess = (app: TestApp) =>
    app.authService.fault('users', {
      kind: 'transform',
      answer: (answer) => {
        const body = JSON.parse(JSON.stringify(answer.body)) as { users: Array<Record<string, unknown>> };
        for (const user of body.users) delete user.company_id;
        return { ...answer, body };
      },
    });

  it('gets one request per user, and at most 16 at a time', async () => {
    await using app = await startApp();
    tellLess(app);
    await probeBulkLookups(app);
    let atOnce = 0;
    let most = 0;
    app.authService.fault('user', {
      kind: 'transform',
      answer: (answer) => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        setImmediate(() => {
          atOnce -= 1;
        });
        return answer;
      },
    });
    const { trpc } = await browserOf(app, 123);
    const users = await Promise.all(crowd(50).map((id) => trpc.users.byId.query({ id })));
    expect(users.every(({ companyId }) => companyId !== null)).toBe(true);
    expect(app.authService.count('user')).toBe(50);
    expect(app.authService.count('users')).toBe(0);
    expect(most).toBeLessThanOrEqual(16);
  });

  it('still answers bulk lookups in one request, and single lookups completely', async () => {
    await using app = await startApp();
    tellLess(app);
    await probeBulkLookups(app);
    const { trpc } = await browserOf(app, 123);
    const { users } = await trpc.users.byIds.query({ ids: crowd(50) });
    expect(users.map(({ companyId }) => companyId)).toEqual(users.map(() => null));
    expect([app.authService.count('users'), app.authService.count('user')]).toEqual([1, 0]);
    expect((await trpc.users.byId.query({ id: users[0]?.id ?? 0 })).companyId).not.toBeNull();
  });

  it('is probed again after some minutes, in both directions', async () => {
    const clock = createClock();
    await using app = await startApp({ now: clock.now, env: forgetful });
    const page = async () => {
      const browser = app.browser();
      browser.holdTokens(await app.authService.issue({ type: 'staff', id: 123 }));
      app.authService.resetCalls();
      const users = await Promise.all(crowd(10).map((id) => browser.trpc.users.byId.query({ id })));
      return users.filter(({ companyId }) => companyId === null).length;
    };
    const requestsOfAPage = async () => {
      await page();
      return [app.authService.count('users'), app.authService.count('user')];
    };
    await probeBulkLookups(app);
    tellLess(app);
    clock.advance(301_000);
    // The first page after the interval still uses the old result, and repeats the probe.
    expect(await page()).toBe(10);
    await expect.poll(page).toBe(0);
    // A request of the probe may come after the answers of its page, and counts for the next page.
    await expect.poll(requestsOfAPage).toEqual([0, 10]);

    app.authService.clearFaults();
    clock.advance(301_000);
    await page();
    await expect.poll(requestsOfAPage).toEqual([1, 0]);
  });

  it('may have no bulk lookup at all', async () => {
    await using app = await startApp();
    app.authService.fault('users', { kind: 'status', status: 404 });
    const { trpc } = await browserOf(app, 123);
    const users = await Promise.all(crowd(10).map((id) => trpc.users.byId.query({ id })));
    expect(users.map(({ id }) => id)).toEqual(crowd(10));
  });
});
