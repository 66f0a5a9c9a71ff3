import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { openConnection } from '../../../support/app/open-connection.ts';
import { queryTarget, sendLines } from '../../../support/app/raw-request.ts';
import { forgetful, startApp, type StartAppOptions } from '../../../support/app/start-app.ts';
import { hold } from '../../../support/time/hold.ts';

/** An app whose Auth Service the test can hold, and the requests of a signed-in person. */
const startHeld = async (options: StartAppOptions = {}) => {
  // Requests that the test ends need no deadline, which a busy machine could miss.
  const app = await startApp({
    drainMs: 600_000,
    ...options,
    env: { ...forgetful, RATE_LIMIT_PER_MINUTE: '0' },
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
    /** Resolves once new connections are refused. */
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

/** How a new connection fails; null if it succeeds. */
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

describe('the shutdown', () => {
  it('completes the calls in flight, and then closes without waiting for idle browsers', async () => {
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

  it('is the same if the server is closed through the library', async () => {
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

  it('reports not ready and refuses new connections, while open ones are served', async () => {
    await using test = await startHeld({ idleGraceMs: 600_000 });
    const ops = await test.app.listenOps();
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

  it('accepts new connections until keepListeningMs has passed or no client is connected, and reports not ready', async () => {
    await using test = await startHeld();
    const ops = await test.app.app.listenOps();
    using first = await openConnection(test.app.url);
    first.send(...test.status);
    await first.received(ok);
    const closed = test.app.app.close({ keepListeningMs: 600_000 });
    await vi.waitFor(async () => expect((await fetch(`${ops}/health/ready`)).status).toBe(503));
    using second = await openConnection(test.app.url);
    second.send(...test.status);
    expect(await second.received(ok)).not.toMatch(connectionClose);
    for (const { socket } of [first, second]) socket.end();
    expect(await closed).toEqual({ served: 1, cut: 0 });
    expect(await refusalOf(test.app.url)).toBe('ECONNREFUSED');
  });

  it('closes the listener after keepListeningMs although a client is connected', async () => {
    await using test = await startHeld();
    test.hold();
    using connection = await openConnection(test.app.url);
    connection.send(...test.user());
    await test.isAsked();
    const closed = test.app.app.close({ keepListeningMs: 50 });
    await test.isRefusing();
    test.release();
    expect(await connection.closed).toMatch(connectionClose);
    expect(await closed).toEqual({ served: 1, cut: 0 });
  });

  it('answers a request on an idle connection with Connection: close', async () => {
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

  it('answers requests on connections that only the kernel had accepted at its start', async () => {
    await using test = await startHeld();
    // In one turn: Node has not seen these connections when the shutdown begins.
    const answers = Array.from({ length: 20 }, () => sendLines(test.app.url, test.status));
    const closed = test.app.app.close();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    expect(await closed).toEqual({ served: 20, cut: 0 });
  });

  it('answers requests that were sent but not read at its start', async () => {
    await using test = await startHeld();
    using connection = await openConnection(test.app.url);
    connection.send(...test.status);
    await connection.received(ok);
    // Written earlier in the same turn, so the server cannot have read it.
    connection.send(...test.status);
    const closed = test.app.app.close();
    expect((await connection.closed).match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    await closed;
  });

  it('closes idle connections after a grace period, long before the deadline of calls in flight', async () => {
    await using test = await startHeld({ idleGraceMs: 50 });
    using used = await openConnection(test.app.url);
    used.send(...test.status);
    await used.received(ok);
    using fresh = await openConnection(test.app.url);
    expect(await test.app.app.close()).toEqual({ served: 0, cut: 0 });
    expect(await fresh.closed).toBe('');
    await used.closed;
  });

  it('answers every pipelined request of a connection, and sends Connection: close only with the last', async () => {
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

  it('completes a streamed response whose head was sent, and then closes its connection', async () => {
    await using test = await startHeld();
    using connection = await openConnection(test.app.url);
    test.hold();
    const target = queryTarget(['status.get', 'users.byId'], { 1: { json: { id: 123 } } });
    connection.send(...test.lines(target, 'trpc-accept: application/jsonl'));
    await connection.received(/transfer-encoding: chunked/);
    // The person's call, and the check of the Auth Service's health.
    await test.isAsked(2);
    const closed = test.app.app.close();
    test.release();
    const answer = await connection.closed;
    expect(answer).toContain('"lastName":"Doe"');
    expect(answer).toMatch(/\r\n0\r\n\r\n$/);
    expect(await closed).toEqual({ served: 1, cut: 0 });
  });

  it('waits for a partly received request', async () => {
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

  it('aborts hanging requests after its deadline, and their calls of the Auth Service', async () => {
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

  it('runs once, however often it is requested', async () => {
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
