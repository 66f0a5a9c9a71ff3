import { describe, expect, it, vi } from 'vitest';
import { openConnection } from '../../../support/app/open-connection.ts';
import { askRaw, errorOf, queryTarget, sendLines } from '../../../support/app/raw-request.ts';
import { startApp } from '../../../support/app/start-app.ts';

const quick = { headMs: 100, requestMs: 200, checkEveryMs: 20 };
const tooSlow = { code: 'BAD_REQUEST', reason: 'invalid_input', message: 'The request took too long to arrive.' };
const head = [
  'POST /trpc/session.logout HTTP/1.1',
  'host: a',
  'x-csrf: 1',
  'content-type: application/json',
  'content-length: 2',
];

const startQuick = async (timeouts: Partial<typeof quick> = {}) => {
  const app = await startApp({ timeouts: { ...quick, ...timeouts } });
  return {
    app,
    expectQuiet: () => expect(app.logLines.filter(({ level }) => Number(level) > 30)).toEqual([]),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

// These tests only wait, so they run at the same time.
describe.concurrent('a slow client', () => {
  it.each([
    ['does not end its headers', head],
    ['does not send its body', [...head, '', '']],
    ['does not end its body', [...head, '', '{']],
  ])('is answered and cut where it %s, and no line is written of it', async (_name, lines) => {
    await using test = await startQuick();
    const answer = await sendLines(test.app.url, lines);
    expect(errorOf(answer)).toMatchObject(tooSlow);
    expect(answer.headers.connection).toBe('close');
    expect(answer.headers['x-request-id']).toMatch(/^[\w-]{36}$/);
    test.expectQuiet();
  });

  it('that sends nothing gets no response, which a browser would take for that of its next request', async () => {
    await using test = await startQuick();
    using connection = await openConnection(test.app.url);
    expect(await connection.closed).toBe('');
    test.expectQuiet();
  });

  it('is cut where it sends a byte now and then', async () => {
    await using test = await startQuick();
    using connection = await openConnection(test.app.url);
    const drip = setInterval(() => connection.send('x'), 10);
    connection.send('GET /trpc/status.get HTTP/1.1', 'x-slow: ');
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 400/);
    clearInterval(drip);
    test.expectQuiet();
  });

  it('keeps a connection between two requests no longer than agreed', async () => {
    await using app = await startApp({ timeouts: { idleMs: 50 } });
    using connection = await openConnection(app.url);
    connection.send('GET /health/live HTTP/1.1', 'host: a', '', '');
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 200/);
  });

  it('is no reason to cut others', async () => {
    // Long enough for a request that comes at once, however busy the machine is.
    await using test = await startQuick({ headMs: 1_000, requestMs: 1_000 });
    const slow = sendLines(test.app.url, head);
    expect((await askRaw(test.app.url, { target: '/trpc/status.get' })).status).toBe(200);
    expect(errorOf(await slow)).toMatchObject(tooSlow);
  });
});

describe('a client that asks for more than it reads', () => {
  it('is cut where the answer is not read', async () => {
    const padding = 'x'.repeat(4_000_000);
    await using app = await startApp({
      timeouts: { answerMs: 300 },
      authService: {},
    });
    app.authService.fault('user', {
      kind: 'transform',
      answer: (answer) => ({ ...answer, body: { ...(answer.body as object), first_name: padding } }),
    });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    using connection = await openConnection(app.url);
    connection.socket.pause();
    // More than the buffers between the two take.
    const many = Array.from({ length: 10 }, () => 'users.byId');
    const inputs = Object.fromEntries(many.map((_path, index) => [index, { json: { id: 123 } }]));
    connection.send(
      `GET ${queryTarget(many, inputs)} HTTP/1.1`,
      'host: a',
      'x-request-id: slow-reader',
      `cookie: access_token=${access}`,
      '',
      '',
    );
    await vi.waitFor(() =>
      expect(app.logLines).toContainEqual(
        expect.objectContaining({
          level: 20,
          requestId: 'slow-reader',
          msg: expect.stringMatching(/did not read the response in time/),
        }),
      ),
    );
    await vi.waitFor(
      () =>
        new Promise<void>((resolve, reject) => {
          app.app.server.server.getConnections((_error, count) =>
            count === 0 ? resolve() : reject(new Error(`${count}`)),
          );
        }),
    );
  });
});

describe('the Host header', () => {
  it.each([
    ['is missing', 'HTTP/1.1', []],
    ['comes twice', 'HTTP/1.1', ['host: a', 'Host: b']],
    ['comes twice in HTTP/1.0', 'HTTP/1.0', ['host: a', 'host: a']],
  ])('is refused as tRPC would where it %s', async (_name, version, hosts) => {
    await using app = await startApp();
    const answer = await sendLines(app.url, [`GET /trpc/status.get ${version}`, ...hosts, 'connection: close', '', '']);
    expect(errorOf(answer)).toMatchObject({
      reason: 'invalid_input',
      message: 'The request must have exactly one Host header.',
    });
    expect(answer.headers['x-request-id']).toMatch(/^[\w-]{36}$/);
  });

  it('may be missing in HTTP/1.0', async () => {
    await using app = await startApp();
    expect((await sendLines(app.url, ['GET /trpc/status.get HTTP/1.0', '', ''])).status).toBe(200);
  });
});
