import { describe, expect, it, vi } from 'vitest';
import { errorDataOf, reasonOf } from '../../../support/app/browser.ts';
import { browserOf } from '../../../support/app/crowd.ts';
import { askRaw, postHeaders, queryTarget, sendLines, written } from '../../../support/app/raw-request.ts';
import { createClock, startApp, type TestApp } from '../../../support/app/start-app.ts';
import { sendThenLeave } from '../../../support/app/send-then-leave.ts';
import { johnsCredentials } from '../../../support/app/people.ts';

const linesOf = (app: TestApp) => app.logLines.filter(({ msg }) => msg === 'request');

/** Waits for the last `count` log lines, which are written after the response. */
const lastLines = async (app: TestApp, count: number) => {
  await vi.waitFor(() => expect(linesOf(app).length).toBeGreaterThanOrEqual(count));
  return linesOf(app).slice(-count);
};
const lastLine = async (app: TestApp, count: number) => (await lastLines(app, count)).at(-1);

/** Fields of every line whose values a test cannot predict. */
const always = {
  level: 30,
  time: expect.any(String),
  requestId: expect.any(String),
  ms: expect.any(Number),
  msg: 'request',
};

describe('the log line of a request', () => {
  it('has the procedure, the person and the upstream calls', async () => {
    await using app = await startApp();
    const { trpc } = await browserOf(app, 123);
    await trpc.users.byId.query({ id: 5 });
    expect(await lastLine(app, 1)).toEqual({
      ...always,
      method: 'GET',
      path: '/trpc/users.byId',
      status: 200,
      procedures: ['users.byId'],
      person: 'staff 123',
      upstreamCalls: 1,
      upstreamMs: expect.any(Number),
    });
  });

  it('has fresh and stale cache hits', async () => {
    const clock = createClock();
    await using app = await startApp({ now: clock.now });
    const { trpc } = await browserOf(app, 123);
    await trpc.users.byId.query({ id: 5 });
    await trpc.users.byId.query({ id: 5 });
    const fresh = await lastLine(app, 2);
    expect(fresh).toMatchObject({ cacheHits: 1 });
    expect(fresh).not.toHaveProperty('upstreamCalls');
    clock.advance(400_000);
    app.authService.fault('user', { kind: 'status', status: 500 });
    await trpc.users.byId.query({ id: 5 });
    const stale = await lastLine(app, 3);
    expect(stale).toMatchObject({ status: 200, cacheStale: 1, upstreamCalls: 1 });
    expect(stale).not.toHaveProperty('cacheHits');
    expect(stale).not.toHaveProperty('reasons');
  });

  it('has each procedure and each reason of a batch once, and the number of calls', async () => {
    await using app = await startApp();
    const { trpc } = await browserOf(app, 123);
    await Promise.allSettled([
      trpc.users.byId.query({ id: 5 }),
      trpc.users.byId.query({ id: 999 }),
      trpc.users.byId.query({ id: 998 }),
      trpc.session.me.query(),
    ]);
    expect(await lastLine(app, 1)).toMatchObject({
      status: 207,
      procedures: ['users.byId', 'session.me'],
      calls: 4,
      reasons: ['user_not_found'],
      person: 'staff 123',
    });
  });

  it('counts a shared load for the request that started it', async () => {
    await using app = await startApp();
    const ops = await app.listenOps();
    const [first, second] = [await browserOf(app, 123), await browserOf(app, 5)];
    let release = () => {};
    app.authService.fault('user', { kind: 'hold', until: new Promise<void>((resolve) => (release = resolve)) });
    const causing = first.trpc.users.byId.query({ id: 12 });
    await vi.waitFor(() => expect(app.authService.count('user')).toBe(1));
    const joining = second.trpc.users.byId.query({ id: 12 });
    await vi.waitFor(async () => {
      const metrics = await (await fetch(`${ops}/metrics`)).text();
      expect(metrics).toContain('auth_bff_directory_shared_loads_total{kind="user"} 1');
    });
    release();
    await Promise.all([causing, joining]);
    const lines = (await lastLines(app, 2)).filter(({ path }) => path === '/trpc/users.byId');
    const of = (person: string) => lines.find((line) => line.person === person);
    expect(of('staff 123')).toMatchObject({ upstreamCalls: 1 });
    expect(of('staff 123')).not.toHaveProperty('sharedLoads');
    expect(of('staff 5')).toMatchObject({ sharedLoads: 1 });
    expect(of('staff 5')).not.toHaveProperty('upstreamCalls');
  });

  it('has the reason of a rejected authentication', async () => {
    await using app = await startApp();
    await askRaw(app.url, { target: queryTarget('users.me') });
    const line = await lastLine(app, 1);
    expect(line).toMatchObject({ status: 401, procedures: ['users.me'], reasons: ['no_token'] });
    expect(line).not.toHaveProperty('person');
    expect(line).not.toHaveProperty('upstreamCalls');
  });

  it('has the number of retries, and the last failure', async () => {
    await using app = await startApp();
    const { trpc } = await browserOf(app, 123);
    app.authService.fault('user', { kind: 'status', status: 503 });
    const { httpStatus } = await errorDataOf(trpc.users.byId.query({ id: 5 }));
    expect(httpStatus).toBe(503);
    expect(await lastLine(app, 1)).toMatchObject({
      status: 503,
      reasons: ['auth_service_unavailable'],
      upstreamCalls: app.authService.count('user'),
    });
    expect(app.authService.count('user')).toBeGreaterThan(1);
  });

  it('counts the upstream calls of sign-in and sign-out', async () => {
    await using app = await startApp();
    const browser = app.browser();
    await browser.trpc.session.login.mutate(johnsCredentials);
    expect(await lastLine(app, 1)).toMatchObject({ procedures: ['session.login'], upstreamCalls: expect.any(Number) });
    await browser.trpc.session.refresh.mutate();
    expect(await lastLine(app, 2)).toMatchObject({
      procedures: ['session.refresh'],
      upstreamCalls: 1,
      person: 'staff 123',
    });
    await browser.trpc.session.logout.mutate();
    expect(await lastLine(app, 3)).toMatchObject({ procedures: ['session.logout'], upstreamCalls: 1 });
    expect(await reasonOf(browser.trpc.users.me.query())).toBe('no_token');
  });

  it('has no made-up procedure name, and hides an e-mail address in a path', async () => {
    await using app = await startApp();
    await askRaw(app.url, { target: '/trpc/made.up,ana%40example.com,users.me?batch=1' });
    const line = await lastLine(app, 1);
    expect(line).toMatchObject({ procedures: ['unknown', 'users.me'], calls: 3 });
    expect(JSON.stringify(app.logLines)).not.toContain('example.com');
  });

  it('has the reason of a request that fails before tRPC', async () => {
    await using app = await startApp();
    await askRaw(app.url, {
      method: 'POST',
      target: '/trpc/session.logout',
      headers: postHeaders,
      body: 'x'.repeat(100_001),
    });
    const line = await lastLine(app, 1);
    expect(line).toMatchObject({ status: 413, reasons: ['payload_too_large'] });
    expect(line).not.toHaveProperty('procedures');
  });

  it('marks a client disconnect without reporting an error', async () => {
    await using app = await startApp();
    await sendThenLeave(app);
    const line = await lastLine(app, 1);
    expect(line).toMatchObject({ clientLeft: true, person: 'staff 123' });
    expect(line).not.toHaveProperty('reasons');
  });

  it('keeps concurrent requests separate', async () => {
    await using app = await startApp();
    const people = [1, 2, 5, 6, 12];
    const browsers = await Promise.all(people.map((id) => browserOf(app, id)));
    await Promise.all(browsers.map(({ trpc }) => trpc.users.me.query()));
    const lines = await lastLines(app, people.length);
    expect(new Set(lines.map(({ person }) => person))).toEqual(new Set(people.map((id) => `staff ${id}`)));
    for (const line of lines) expect(line).toMatchObject({ upstreamCalls: 1 });
  });

  it('is written once per request, even with the same request id', async () => {
    await using app = await startApp();
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const headers = { cookie: `access_token=${access}`, 'x-request-id': 'twice' };
    const target = queryTarget('users.me');
    await Promise.all([1, 2, 3].map(() => askRaw(app.url, { target, headers })));
    const lines = await lastLines(app, 3);
    expect(lines.map(({ requestId, person, status }) => ({ requestId, person, status }))).toEqual(
      [1, 2, 3].map(() => ({ requestId: 'twice', person: 'staff 123', status: 200 })),
    );
  });
});

it('is a separate line for an unparsable request, with the id of its response', async () => {
  await using app = await startApp();
  const answers = [
    await askRaw(app.url, { target: '/trpc/%zz', headers: { 'x-request-id': 'mine' } }),
    await sendLines(app.url, ['NONSENSE', '', '']),
  ];
  const lines = app.logLines.filter(({ msg }) => msg === 'unreadable request');
  expect(lines.map(({ requestId, reasons }) => ({ requestId, reasons }))).toEqual(
    answers.map(({ headers }) => ({ requestId: headers['x-request-id'], reasons: ['invalid_input'] })),
  );
  expect(lines[0]).toMatchObject({ level: 30, requestId: 'mine' });
  expect(linesOf(app)).toEqual([]);
});

it('has no password, code or captcha token of a sign-in', async () => {
  await using app = await startApp();
  const post = (path: string, input: object) =>
    askRaw(app.url, { method: 'POST', target: `/trpc/${path}`, headers: postHeaders, body: written(input) });
  await post('session.login', { email: 'someone@example.com', password: 'pa55-word-1', captchaToken: 'captcha-xyz-1' });
  await post('session.login', { email: 'user@example.com', password: 'pa55-word-1' });
  await post('session.verifyOtp', { challenge: 'chall-xyz-1', code: '918273' });
  app.authService.fault('*', { kind: 'status', status: 500, body: '{"email":"someone@example.com"}' });
  await post('session.login', { email: 'someone@example.com', password: 'pa55-word-1' });
  await vi.waitFor(() => expect(linesOf(app)).toHaveLength(4));
  expect(JSON.stringify(app.logLines)).not.toMatch(/example\.com|pa55|xyz|918273/);
});
