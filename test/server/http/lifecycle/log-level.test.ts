import { expect, it } from 'vitest';
import { askRaw, type RawRequest } from '../../../support/app/raw-request.ts';
import { createClock, startApp } from '../../../support/app/start-app.ts';
import { createTimers } from '../../../support/time/timers.ts';

const hourMs = 3_600_000;

const start = async (logLevel = 'info') => {
  const clock = createClock();
  const timers = createTimers();
  const app = await startApp({ env: { LOG_LEVEL: logLevel }, now: clock.now, startLogLevelTimer: timers.start });
  const opsUrl = await app.listenOps();
  const ask = async (request: Omit<RawRequest, 'target'>) => {
    const { status, body } = await askRaw(opsUrl, { target: '/log-level', ...request });
    return { status, ...(JSON.parse(body) as { level?: string; until?: string | null; message?: string }) };
  };
  return {
    app,
    opsUrl,
    timers,
    put: (body: string, headers: Record<string, string> = {}) => ask({ method: 'PUT', body, headers }),
    get: () => ask({}),
    inAnHour: new Date(clock.now() + hourMs).toISOString(),
    /** Whether a line of level debug is written: that of a request for health. */
    async isDebugWritten(): Promise<boolean> {
      const before = app.logLines.length;
      await askRaw(app.url, { target: '/health/live' });
      return app.logLines.slice(before).some(({ level }) => level === 20);
    },
    changes: () => app.logLines.filter(({ msg }) => String(msg).includes('log level')),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

it.each([
  ['that curl -d sends', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['of text', { 'content-type': 'text/plain' }],
  ['of JSON', { 'content-type': 'application/json' }],
  ['missing', {}],
])('PUT /log-level changes the level for an hour, whatever the content type: %s', async (_name, headers) => {
  await using test = await start();
  expect(await test.isDebugWritten()).toBe(false);
  expect(await test.put('debug\n', headers)).toEqual({ status: 200, level: 'debug', until: test.inAnHour });
  expect(await test.get()).toEqual({ status: 200, level: 'debug', until: test.inAnHour });
  expect(await test.isDebugWritten()).toBe(true);
  expect(test.changes()).toEqual([expect.objectContaining({ level: 40, from: 'info', to: 'debug' })]);
  test.timers.fire();
  expect(test.timers.fired()).toEqual([hourMs]);
  expect(await test.get()).toEqual({ status: 200, level: 'info', until: null });
  expect(await test.isDebugWritten()).toBe(false);
  expect(test.changes().at(-1)).toMatchObject({ level: 40, from: 'debug', to: 'info' });
});

it('PUT /log-level with the level of LOG_LEVEL ends the change, and a repeated level extends it', async () => {
  await using test = await start();
  await test.put('debug');
  await test.put('debug');
  await test.put('trace');
  expect(await test.put('info')).toEqual({ status: 200, level: 'info', until: null });
  test.timers.fire();
  expect(test.timers.fired()).toEqual([]);
  expect(test.changes().map(({ to }) => to)).toEqual(['debug', 'trace', 'info']);
});

it.each([
  ['silent', 'info'],
  ['info', 'silent'],
  ['fatal', 'silent'],
])('The change of the log level is logged and audit lines follow it, from %s to %s', async (from, to) => {
  await using test = await start(from);
  const isAuditWritten = async () => {
    const before = test.app.logLines.length;
    await test.app
      .browser()
      .trpc.session.login.mutate({ email: 'nobody@example.com', password: 'wrong' })
      .catch(() => {});
    return test.app.logLines.slice(before).some(({ audit }) => audit === 'sign_in_failed');
  };
  expect(await isAuditWritten()).toBe(from !== 'silent');
  await test.put(to);
  expect(test.changes()).toEqual([expect.objectContaining({ level: 40, from, to })]);
  expect(await isAuditWritten()).toBe(to !== 'silent');
});

it.each(['', 'verbose', '"debug"', '{"level":"debug"}', 'constructor'])(
  'PUT /log-level answers 400 with the levels for %j, and changes nothing',
  async (body) => {
    await using test = await start();
    const { status, message } = await test.put(body, { 'content-type': 'application/json' });
    expect(status).toBe(400);
    expect(message).toMatch(/fatal, error, warn, info, debug, trace, silent.*curl -X PUT -d debug/);
    expect(await test.get()).toMatchObject({ level: 'info', until: null });
  },
);

it('PUT /log-level refuses a body of more than 1 kB before it is read', async () => {
  await using test = await start();
  const headers = { 'content-length': String(10_000_000) };
  expect(await test.put(`debug${' '.repeat(2_000)}`)).toMatchObject({ status: 413 });
  // The rest of the announced body is never sent.
  expect(await test.put('debug', headers).catch(({ code }: NodeJS.ErrnoException) => code)).not.toMatchObject({
    status: 200,
  });
  expect(await test.get()).toMatchObject({ level: 'info' });
});

it('The log level cannot be read or changed on the main listener', async () => {
  await using test = await start();
  for (const method of ['GET', 'PUT', 'POST']) {
    const headers = { 'x-csrf': '1', 'content-type': 'application/json' };
    const answer = await askRaw(test.app.url, { method, target: '/log-level', headers, body: '"debug"' });
    expect(answer.status).toBe(404);
  }
  expect(await test.get()).toMatchObject({ level: 'info' });
});
