import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { openConnection } from '../../../support/app/open-connection.ts';
import { queryTarget, sendLines } from '../../../support/app/raw-request.ts';
import { forgetful, startApp, type StartAppOptions } from '../../../support/app/start-app.ts';
import { hold } from '../../../support/time/hold.ts';

/** An app with a held Auth Service, and what a signed-in person sends. */
const startHeld = async (options: StartAppOptions = {}) => {
  // What ends only where the test says so has no bound that a busy machine can miss.
  const app = await startApp({
    drainMs: 600_000,
    ...options,
    env: { ...forgetful, RATE_LIMIT_PER_MINUTE: '0', OPS_PORT: '0' },
  });
  const { access } = await app.authService.issue({ type: 'staff', id: 123 });
  const { until, release } = hold();
  const lines = (target: string, ...headers: string[]) => [
    `GET ${target} HTTP/1.1`,
    'host: a',
    `cookie: access_token=${access}`,
    ...headers,
    '',
    '',
  ];
  return {
    app,
    release,
    hold: () => app.authService.fault('*', { kind: 'hold', until }),
    isAsked: (times = 1) => vi.waitFor(() => expect(app.authService.count()).toBeGreaterThanOrEqual(times)),
    /** Resolves once nobody can connect any more. */
    isRefusing: () => vi.waitFor(async () => expect(await refusalOf(app.url)).toBe('ECONNREFUSED')),
    status: lines('/trpc/status.get'),
    ready: lines('/health/ready'),
    user: (id = 123) => lines(queryTarget('users.byId', { json: { id } })),
    lines,
    async [Symbol.asyncDispose]() {
      release();
      await app[Symbol.asyncDispose]();
    },
  };
};

const ok = /HTTP\/1\.1 200/;
const connectionClose = /^connection: close\r$/im;

/** How a new connection fails; null where it does not. */
const refusalOf = (url: string): Promise<string | null | undefined> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
  });

describe('a stop', () => {
  it('answers the calls under way, and then closes without waiting for idle browsers', async () => {
    await using test = await startHeld();
    const browser = test.app.browser();
    browser.holdTokens(await test.app.authService.issue({ type: 'staff', id: 123 }));
    test.hold();
    const call = browser.trpc.users.byId.query({ id: 123 });
    await test.isAsked();
    const closed = test.app.app.close();
    await test.isRefusing();
    test.release();
    expect((await call).id).toBe(123);
    expect(browser.lastAnswer().headers.get('connection')).toBe('close');
    expect(await closed).toEqual({ served: 1, cut: 0 });
  });

  it('does the same where the server is closed as a library', async () => {
    await using test = await startHeld();
    using connection = await openConnection(test.app.url);
    test.hold();
    connection.send(...test.user());
    await test.isAsked();
    const closed = test.app.app.server.close();
    test.release();
    expect(await connection.closed).toMatch(ok);
    await closed;
  });

  it('is not ready and takes no new connections, while open ones are served', async () => {
    await using test = await startHeld({ idleGraceMs: 600_000 });
    const ops = await test.app.app.listenOps();
    test.hold();
    using busy = await openConnection(test.app.url);
    busy.send(...test.user());
    await test.isAsked();
    using idle = await openConnection(test.app.url);
    idle.send(...test.ready);
    await idle.received(ok);
    const closed = test.app.app.close();
    await vi.waitFor(async () => expect((await fetch(`${ops}/health/ready`)).status).toBe(503));
    await test.isRefusing();
    expect(await (await fetch(`${ops}/health/ready`)).json()).toMatchObject({ status: 'stopping' });
    expect((await fetch(`${ops}/health/live`)).status).toBe(200);
    idle.send(...test.ready);
    const answers = await idle.closed;
    expect(answers).toMatch(/HTTP\/1\.1 503/);
    expect(answers).toMatch(connectionClose);
    test.release();
    expect(await busy.closed).toMatch(ok);
    expect(await closed).toEqual({ served: 2, cut: 0 });
    expect(await refusalOf(ops)).toBe('ECONNREFUSED');
  });

  it('answers a request that comes on a connection at rest, and says that it is the last', async () => {
    await using test = await startHeld({ idleGraceMs: 600_000 });
    using used = await openConnection(test.app.url);
    used.send(...test.status);
    expect(await used.received(ok)).not.toMatch(connectionClose);
    using fresh = await openConnection(test.app.url);
    const closed = test.app.app.close();
    await test.isRefusing();
    for (const connection of [used, fresh]) connection.send(...test.status);
    expect(await used.closed).toMatch(connectionClose);
    expect(await fresh.closed).toMatch(connectionClose);
    expect(await closed).toEqual({ served: 2, cut: 0 });
  });

  it('answers what comes on connections that only the kernel had accepted when it began', async () => {
    await using test = await startHeld();
    // In one turn: Node has seen none of them when the stop begins.
    const answers = Array.from({ length: 20 }, () => sendLines(test.app.url, test.status));
    const closed = test.app.app.close();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    expect(await closed).toEqual({ served: 20, cut: 0 });
  });

  it('answers what had been sent, unread, when it began', async () => {
    await using test = await startHeld();
    using connection = await openConnection(test.app.url);
    connection.send(...test.status);
    await connection.received(ok);
    // Written before, in the same turn: the server cannot have read it.
    connection.send(...test.status);
    const closed = test.app.app.close();
    expect((await connection.closed).match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    await closed;
  });

  it('ends connections at rest after a grace, long before the calls must have ended', async () => {
    await using test = await startHeld({ idleGraceMs: 50 });
    using used = await openConnection(test.app.url);
    used.send(...test.status);
    await used.received(ok);
    using fresh = await openConnection(test.app.url);
    expect(await test.app.app.close()).toEqual({ served: 0, cut: 0 });
    expect(await fresh.closed).toBe('');
    await used.closed;
  });

  it('answers every request that was sent ahead on one connection, and only in the last says that it closes', async () => {
    await using test = await startHeld();
    using connection = await openConnection(test.app.url);
    test.hold();
    connection.send([test.user(123), test.user(5), test.user(12)].map((lines) => lines.join('\r\n')).join(''));
    await test.isAsked();
    const closed = test.app.app.close();
    await test.isRefusing();
    test.release();
    const answers = (await connection.closed).split(/(?=HTTP\/1\.1 )/);
    expect(answers.map((answer) => [ok.test(answer), connectionClose.test(answer)])).toEqual([
      [true, false],
      [true, false],
      [true, true],
    ]);
    expect(await closed).toEqual({ served: 3, cut: 0 });
  });

  it('lets a streamed answer end whose head is gone, and then its connection', async () => {
    await using test = await startHeld();
    using connection = await openConnection(test.app.url);
    test.hold();
    const target = queryTarget(['status.get', 'users.byId'], { 1: { json: { id: 123 } } });
    connection.send(...test.lines(target, 'trpc-accept: application/jsonl'));
    await connection.received(/transfer-encoding: chunked/);
    // Of the person, and of the Auth Service's own health.
    await test.isAsked(2);
    const closed = test.app.app.close();
    test.release();
    const answer = await connection.closed;
    expect(answer).toContain('"lastName":"Doe"');
    expect(answer).toMatch(/\r\n0\r\n\r\n$/);
    expect(await closed).toEqual({ served: 1, cut: 0 });
  });

  it('waits for a request of which a part has come', async () => {
    await using test = await startHeld();
    using connection = await openConnection(test.app.url);
    const [first = '', ...rest] = test.status;
    connection.send(first, '');
    await vi.waitFor(async () => {
      const connections = await new Promise<number>((resolve) =>
        test.app.app.server.server.getConnections((_error, count) => resolve(count)),
      );
      expect(connections).toBe(1);
    });
    const closed = test.app.app.close();
    await test.isRefusing();
    connection.send(...rest);
    expect(await connection.closed).toMatch(ok);
    await closed;
  });

  it('cuts what hangs once its time is up, and the calls of the Auth Service with it', async () => {
    await using test = await startHeld({ drainMs: 100 });
    test.app.authService.fault('*', { kind: 'hang' });
    using hanging = await openConnection(test.app.url);
    hanging.send(...test.user());
    await test.isAsked();
    using halfway = await openConnection(test.app.url);
    halfway.send('GET /trpc/status.get HTTP/1.1', '');
    expect(await test.app.app.close()).toEqual({ served: 0, cut: 1 });
    expect(await hanging.closed).toBe('');
    expect(await halfway.closed).toBe('');
    expect(test.app.logLines.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });

  it('is one, however often it is asked for', async () => {
    await using test = await startHeld();
    test.hold();
    using connection = await openConnection(test.app.url);
    connection.send(...test.user());
    await test.isAsked();
    const stops = [test.app.app.close(), test.app.app.close()];
    test.release();
    expect(await Promise.all(stops)).toEqual([
      { served: 1, cut: 0 },
      { served: 1, cut: 0 },
    ]);
  });
});
