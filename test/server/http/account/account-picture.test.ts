import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { json as readJson } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { maxPictureBytes, type Profile } from '../../../../shared/src/index.ts';
import { createRawConnection } from '../../../support/app/raw-connection.ts';
import { askRaw, type RawAnswer, type RawRequest } from '../../../support/app/raw-request.ts';
import { john } from '../../../support/app/people.ts';
import { createClock, startApp, type TestApp } from '../../../support/app/start-app.ts';
import { startPictureUpstream } from './start-picture-upstream.ts';

const target = '/bff/account/picture';
const employee = { type: 'employee', id: 8 } as const;

/** Bytes that begin like an image. */
const withStart = (start: readonly number[] | string, size: number): Buffer => {
  const bytes = Buffer.alloc(size, 0x5a);
  Buffer.from(start as string, 'latin1').copy(bytes);
  return bytes;
};
const png = (size: number) => withStart([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], size);
const images: Array<[type: string, bytes: Buffer, name: string]> = [
  ['image/png', png(5_000), 'picture.png'],
  ['image/jpeg', withStart([0xff, 0xd8, 0xff, 0xe0], 300_000), 'picture.jpg'],
  ['image/gif', withStart('GIF89a', 12), 'picture.gif'],
  ['image/gif', withStart('GIF87a', 6), 'picture.gif'],
  ['image/webp', withStart('RIFF\u0024\u0000\u0000\u0000WEBP', 100), 'picture.webp'],
];

type Problem = { reason: string; detail: string; issues?: Array<{ path: string; message: string }> };
const problemOf = ({ headers, body }: RawAnswer): Problem => {
  expect(headers['content-type']).toBe('application/problem+json');
  return JSON.parse(body) as Problem;
};

describe('/bff/account/picture', () => {
  const clock = createClock();
  let upstream: Awaited<ReturnType<typeof startPictureUpstream>>;
  let app: TestApp;
  let bearer: Record<string, string>;

  beforeAll(async () => {
    upstream = await startPictureUpstream();
    app = await startApp({
      now: clock.now,
      env: {
        AUTH_SERVICE_URL: upstream.url,
        AUTH_SERVICE_PUBLIC_URL: 'https://auth.example.org',
        RATE_LIMIT_PER_MINUTE: '0',
      },
    });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    // A window of the limit further.
    clock.advance(600_000);
    const { access } = await app.authService.issue(john);
    bearer = { authorization: `Bearer ${access}`, 'x-csrf': '1' };
  });
  afterEach(() => {
    Object.assign(upstream.state, { requests: 0, broken: 0, handler: null });
    upstream.stored.length = 0;
  });

  const ask = (request: Omit<RawRequest, 'target'>) => askRaw(app.url, { target, headers: bearer, ...request });
  const put = (body: RawRequest['body'] & {}, headers: Record<string, string> = {}) =>
    ask({ method: 'PUT', body, headers: { ...bearer, ...headers } });

  /** An upload whose end the test decides. */
  const openUpload = (headers: Record<string, string>) => {
    const { hostname, port } = new URL(app.url);
    const outgoing = httpRequest({ hostname, port, method: 'PUT', path: target, headers: { ...bearer, ...headers } });
    outgoing.on('error', () => {});
    const answer = once(outgoing, 'response').then(async ([response]) => {
      const { statusCode, headers: received } = response as { statusCode: number; headers: IncomingHttpHeaders };
      return { status: statusCode, headers: received, problem: (await readJson(response as never)) as Problem };
    });
    answer.catch(() => {});
    return { outgoing, answer };
  };
  const uploadsAreOver = async () => {
    // Two at a time: a third would be refused if an earlier one were still counted.
    const answers = await Promise.all([put(png(20)), put(png(20))]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  };

  it.each(images)(
    'stores an image of type %s by its first bytes, whatever Content-Type says',
    async (type, bytes, name) => {
      const answer = await put(bytes, { 'content-type': 'text/html' });
      expect(answer.status).toBe(200);
      const [{ file, ...request } = { file: null }] = upstream.stored;
      expect(request).toEqual({
        path: '/api/v1/users/profile/',
        cookie: bearer.authorization?.replace('Bearer ', 'access_token='),
      });
      expect([file?.name, file?.type, file?.bytes.equals(bytes)]).toEqual([name, type, true]);
    },
  );

  it.each([
    ['a known size', { 'content-length': '1000' }],
    ['chunks', { 'transfer-encoding': 'chunked' }],
  ])(
    'logs no internal error if the client leaves within the first bytes of an upload with %s',
    async (_name, headers) => {
      const before = app.logLines.length;
      const { outgoing } = openUpload(headers);
      outgoing.write(png(4));
      await once(outgoing, 'socket').then(([socket]) => once(socket as NodeJS.EventEmitter, 'connect'));
      await vi.waitUntil(() => app.logLines.slice(before).length > 0 || outgoing.writableLength === 0);
      outgoing.destroy();
      const line = await vi.waitUntil(() =>
        app.logLines
          .slice(before)
          .find(({ procedure, reason }) => procedure === 'account.picture' && reason !== undefined),
      );
      expect(line).toMatchObject({ reason: 'invalid_input' });
    },
  );

  it('answers the profile with ISO times, the picture on the public host, and the session headers', async () => {
    const { status, headers, body } = await put(png(20));
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      id: 123,
      pictureUrl: 'https://auth.example.org/media/profile_pics/a.png',
      joinedAt: '2024-01-02T03:04:05.000Z',
    } satisfies Partial<Record<keyof Profile, unknown>>);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-session-user': 'staff:123',
    });
  });

  it("sends an employee's picture and its removal to the endpoint for employees only", async () => {
    const { access } = await app.authService.issue(employee);
    const headers = { cookie: `access_token=${access}`, 'x-csrf': '1', 'sec-fetch-site': 'same-origin' };
    expect((await ask({ method: 'PUT', body: png(20), headers })).status).toBe(200);
    const removed = await ask({ method: 'DELETE', headers });
    expect([removed.status, JSON.parse(removed.body)]).toMatchObject([200, { type: 'employee', pictureUrl: null }]);
    expect(upstream.stored.map(({ path, file }) => [path, file?.type ?? null])).toEqual([
      ['/api/v1/hdts/employees/api/profile/', 'image/png'],
      ['/api/v1/hdts/employees/api/profile/', null],
    ]);
  });

  it.each<[what: string, body: RawRequest['body'] & {}, message: RegExp, headers?: Record<string, string>]>([
    [
      'SVG',
      '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
      /PNG, JPEG, GIF or WebP/,
      { 'content-type': 'image/svg+xml' },
    ],
    [
      'HTML that calls itself PNG',
      '<!doctype html><script>alert(1)</script>',
      /PNG, JPEG, GIF or WebP/,
      { 'content-type': 'image/png' },
    ],
    ['an empty body', '', /not an empty body/],
    ['an empty body in chunks', [], /PNG, JPEG, GIF or WebP|empty/, { 'transfer-encoding': 'chunked' }],
    ['three bytes', '\u0089PN', /PNG, JPEG, GIF or WebP/],
    ['RIFF without WEBP', 'RIFF1234WAVEfmt ', /PNG, JPEG, GIF or WebP/],
    [
      'a form',
      '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',
      /not a form/,
      { 'content-type': 'multipart/form-data; boundary=b' },
    ],
  ])(
    'refuses %s with an issue at picture, before anything is sent upstream',
    async (_what, body, message, headers = {}) => {
      const answer = await put(body, headers);
      expect(answer.status).toBe(400);
      const { reason, issues } = problemOf(answer);
      expect({ reason, issues }).toEqual({
        reason: 'invalid_input',
        issues: [{ path: 'picture', message: expect.stringMatching(message) as string }],
      });
      expect(upstream.state.requests).toBe(0);
    },
  );

  it('accepts exactly 2 MB, and refuses one byte more before the end, with and without a length', async () => {
    const connection = createRawConnection(app.url);
    const send = async (bytes: Buffer, headers: Record<string, string> = {}) => {
      const answer = await connection.ask({ method: 'PUT', target, body: bytes, headers: { ...bearer, ...headers } });
      return [answer.status, answer.status === 200 ? null : problemOf(answer).reason];
    };
    expect(await send(png(maxPictureBytes))).toEqual([200, null]);
    expect(await send(png(maxPictureBytes + 1))).toEqual([413, 'payload_too_large']);
    // The same connection goes on.
    expect(await send(png(20))).toEqual([200, null]);
    connection.close();
    const chunked = async (size: number) => {
      const { outgoing, answer } = openUpload({ 'transfer-encoding': 'chunked' });
      outgoing.end(png(size));
      return (await answer).status;
    };
    expect([await chunked(maxPictureBytes), await chunked(maxPictureBytes + 1)]).toEqual([200, 413]);
    expect(upstream.stored.map(({ file }) => file?.bytes.length)).toEqual([maxPictureBytes, 20, maxPictureBytes]);
  });

  it('refuses a length over 2 MB while the body is still to come', async () => {
    const { outgoing, answer } = openUpload({ 'content-length': String(maxPictureBytes + 1) });
    outgoing.flushHeaders();
    const { status, problem } = await answer;
    expect([status, problem.reason]).toEqual([413, 'payload_too_large']);
    outgoing.destroy();
  });

  it('sends the image on while it arrives', async () => {
    const parts: Buffer[] = [];
    upstream.state.handler = (request) => void request.on('data', (part: Buffer) => void parts.push(part));
    const { outgoing } = openUpload({ 'content-length': '100000' });
    outgoing.write(png(50_000));
    await vi.waitFor(() => expect(Buffer.concat(parts).length).toBeGreaterThan(50_000));
    outgoing.destroy();
  });

  it('stores nothing if the client leaves half way, and takes the next uploads', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { outgoing } = openUpload({ 'content-length': '100000' });
      outgoing.write(png(50_000));
      await vi.waitFor(() => expect(upstream.state.requests).toBe(round + 1));
      outgoing.destroy();
      await vi.waitFor(() => expect(upstream.state.broken).toBe(round + 1));
    }
    expect(upstream.stored).toEqual([]);
    await uploadsAreOver();
    expect(app.logLines.filter(({ level }) => level === 'error' || level === 50)).toEqual([]);
  });

  it.each<[what: string, handler: () => void, expected: [status: number, reason: string]]>([
    [
      'hangs',
      () => {
        upstream.state.handler = (request) => void request.resume().once('end', () => app.deadlines.pass());
      },
      [503, 'auth_service_unavailable'],
    ],
    [
      'closes the connection half way',
      () => {
        upstream.state.handler = (request) => void request.once('data', () => request.socket.destroy());
      },
      [503, 'auth_service_unavailable'],
    ],
    [
      'refuses before it has read the image',
      () => {
        upstream.state.handler = (_request, response) => {
          response.writeHead(400, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ profile_picture: ['Invalid image file.'] }));
        };
      },
      [400, 'invalid_input'],
    ],
  ])('answers clearly, on a connection that goes on, if the Auth Service %s', async (_what, prepare, expected) => {
    prepare();
    const connection = createRawConnection(app.url);
    const request = { method: 'PUT', target, headers: bearer };
    const answer = await connection.ask({ ...request, body: png(1_500_000) });
    expect([answer.status, problemOf(answer).reason]).toEqual(expected);
    upstream.state.handler = null;
    // The Auth Service may have been marked as failing, which is not what this test is about.
    expect((await connection.ask({ method: 'GET', target, headers: bearer })).status).toBe(405);
    connection.close();
    await uploadsAreOver();
  });

  it('needs x-csrf and a page of the same site, with Bearer as with a cookie', async () => {
    const { access } = await app.authService.issue(john);
    const reasonOf = async (headers: Record<string, string>, method = 'PUT') =>
      problemOf(await ask({ method, body: png(20), headers })).reason;
    const sessions: Record<string, string>[] = [
      { authorization: `Bearer ${access}` },
      { cookie: `access_token=${access}` },
    ];
    for (const session of sessions) {
      for (const method of ['PUT', 'DELETE']) {
        expect(await reasonOf(session, method)).toBe('csrf');
        const cross = { ...session, 'x-csrf': '1', 'sec-fetch-site': 'cross-site' };
        expect(await reasonOf(cross, method)).toBe('csrf');
      }
    }
    expect(await reasonOf({ 'x-csrf': '1' })).toBe('no_token');
    expect(await reasonOf({ 'x-csrf': '1', authorization: 'Bearer nonsense' })).toBe('token_invalid');
    expect(upstream.state.requests).toBe(0);
  });

  it('answers other methods with 405 and Allow, whatever their body', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PATCH']) {
      const { status, headers } = await ask({ method, body: method === 'HEAD' ? [] : 'x' });
      expect([method, status, headers.allow]).toEqual([method, 405, 'PUT, DELETE']);
    }
  });

  it('refuses the 31st change of a person within 10 minutes, and only of that person', async () => {
    for (let change = 0; change < 30; change += 1) expect((await put('x')).status).toBe(400);
    const refused = await put(png(20));
    expect([refused.status, problemOf(refused).reason, Number(refused.headers['retry-after'])]).toEqual([
      429,
      'rate_limited',
      600,
    ]);
    expect((await ask({ method: 'DELETE' })).status).toBe(429);
    const { access } = await app.authService.issue(employee);
    const other = { authorization: `Bearer ${access}`, 'x-csrf': '1' };
    expect((await ask({ method: 'PUT', body: png(20), headers: other })).status).toBe(200);
  });

  it('takes two uploads of a person at a time', async () => {
    const slow = [openUpload({ 'content-length': '100' }), openUpload({ 'content-length': '100' })];
    for (const { outgoing } of slow) outgoing.write(png(50));
    await vi.waitFor(() => expect(upstream.state.requests).toBe(2));
    expect(problemOf(await put(png(20)))).toMatchObject({
      reason: 'rate_limited',
      detail: expect.stringContaining('Another upload') as string,
    });
    for (const { outgoing } of slow) outgoing.end(Buffer.alloc(50));
    expect((await Promise.all(slow.map(({ answer }) => answer))).map(({ status }) => status)).toEqual([200, 200]);
    await uploadsAreOver();
  });
});

it('services may not change pictures, and people whose session was signed out neither', async () => {
  const key = 'k'.repeat(43);
  const hash = createHash('sha256').update(key).digest('hex');
  await using app = await startApp({ env: { SERVICE_KEYS: `tickets:${hash}:employees.byId` } });
  const ask = async (headers: Record<string, string>) =>
    askRaw(app.url, { method: 'PUT', target, body: png(20), headers: { 'x-csrf': '1', ...headers } });
  const service = await ask({ 'x-api-key': key });
  expect([service.status, problemOf(service).reason]).toEqual([403, 'insufficient_permissions']);
  const browser = app.browser();
  const tokens = await app.authService.issue(john);
  browser.holdTokens(tokens);
  await browser.trpc.session.logout.mutate();
  const ended = await ask({ cookie: `access_token=${tokens.access}` });
  expect([ended.status, problemOf(ended).reason]).toEqual([401, 'session_ended']);
});

it('a client that stalls is cut off without a call of the Auth Service', async () => {
  await using upstream = await startPictureUpstream();
  const timeouts = { headMs: 100, requestMs: 200, answerMs: 60_000, idleMs: 60_000, checkEveryMs: 20 };
  await using app = await startApp({ timeouts, env: { AUTH_SERVICE_URL: upstream.url } });
  const { access } = await app.authService.issue(john);
  const { hostname, port } = new URL(app.url);
  const headers = { authorization: `Bearer ${access}`, 'x-csrf': '1', 'content-length': '100' };
  const outgoing = httpRequest({ hostname, port, method: 'PUT', path: target, headers });
  outgoing.on('error', () => {});
  outgoing.write(Buffer.from([0x89, 0x50]));
  const [response] = (await once(outgoing, 'response')) as [{ statusCode: number }];
  expect(response.statusCode).toBe(400);
  expect(upstream.state.requests).toBe(0);
});
