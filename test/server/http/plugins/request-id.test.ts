import { describe, expect, it } from 'vitest';
import {
  askRaw,
  errorOf,
  postHeaders,
  queryTarget,
  type RawRequest,
  sendLines,
  written,
} from '../../../support/app/raw-request.ts';
import { startApp } from '../../../support/app/start-app.ts';

const agreed = /^[A-Za-z0-9_-]{1,64}$/;

describe("the caller's own request id", () => {
  it.each(['a', '0', '-', '_', 'Ab_9-z', 'a'.repeat(64), '00000000-0000-4000-8000-000000000000'])(
    'is kept: %s',
    async (own) => {
      await using app = await startApp();
      const answer = await askRaw(app.url, { target: '/trpc/status.get', headers: { 'x-request-id': own } });
      expect(answer.headers['x-request-id']).toBe(own);
    },
  );

  it.each([
    ['nothing', ''],
    ['65 characters', 'a'.repeat(65)],
    ['a space', 'a b'],
    ['a dot', 'a.b'],
    ['a slash', 'a/b'],
    ['markup', '<script>'],
    ['a quote', 'a"b'],
    ['a brace', '{"a":1}'],
    ['a percent sign', '%0d%0aset-cookie:a=b'],
    ['a letter of another alphabet', 'ä'],
  ])('is replaced if it has %s', async (_name, own) => {
    await using app = await startApp();
    const answer = await askRaw(app.url, { target: '/trpc/status.get', headers: { 'x-request-id': own } });
    expect(answer.headers['x-request-id']).toMatch(agreed);
    expect(answer.headers['x-request-id']).not.toBe(own);
    expect(JSON.stringify(app.logLines)).not.toContain(`"requestId":${JSON.stringify(own)}`);
  });

  it('is replaced if there are two', async () => {
    await using app = await startApp();
    const answer = await askRaw(app.url, { target: '/trpc/status.get', headers: { 'x-request-id': ['one', 'two'] } });
    expect(answer.headers['x-request-id']).toMatch(agreed);
    expect(answer.headers['x-request-id']).not.toMatch(/^(one|two)$/);
  });
});

it('is generated for each request without one', async () => {
  await using app = await startApp();
  const ids = new Set<unknown>();
  for (let asked = 0; asked < 5; asked += 1) {
    const { headers } = await askRaw(app.url, { target: '/trpc/status.get' });
    expect(headers['x-request-id']).toMatch(agreed);
    ids.add(headers['x-request-id']);
  }
  expect(ids.size).toBe(5);
});

const post = (path: string, body: string, headers: Record<string, string> = {}): RawRequest => ({
  method: 'POST',
  target: `/trpc/${path}`,
  headers: { ...postHeaders, ...headers },
  body,
});

describe('every response has a request id', () => {
  it.each<[string, number, RawRequest]>([
    ['a query', 200, { target: '/trpc/status.get' }],
    ['a batch', 200, { target: '/trpc/status.get,status.get?batch=1' }],
    ['a stream', 200, { target: '/trpc/status.get?batch=1', headers: { 'trpc-accept': 'application/jsonl' } }],
    ['a mutation', 200, post('session.logout', '{}')],
    ['an unknown Expect header', 200, post('session.logout', '{}', { expect: 'a-miracle' })],
    ['the liveness check', 200, { target: '/health/live' }],
    ['the readiness check', 200, { target: '/health/ready' }],
    ['HEAD', 204, { method: 'HEAD', target: '/trpc/status.get' }],
    ['HEAD of a health check', 200, { method: 'HEAD', target: '/health/live' }],
    ['an anonymous caller', 401, { target: '/trpc/session.me' }],
    ['a broken body', 400, post('session.login', '{')],
    ['a malformed name', 400, { target: '/trpc/%25zz' }],
    ['a malformed path', 400, { target: '/trpc/%zz' }],
    ['a malformed host', 400, { target: '/trpc/status.get', headers: { host: '[' } }],
    [
      'a missing header',
      403,
      { method: 'POST', target: '/trpc/session.logout', headers: { 'content-type': 'application/json' } },
    ],
    ['a cross-site request', 403, { target: '/trpc/status.get', headers: { 'sec-fetch-site': 'cross-site' } }],
    ['an unknown procedure', 404, { target: '/trpc/no.such' }],
    ['an unknown path', 404, { target: '/no/such/path' }],
    ['another method', 405, { method: 'PUT', target: '/trpc/status.get' }],
    ['OPTIONS', 405, { method: 'OPTIONS', target: '/trpc/status.get' }],
    ['a body too large', 413, post('session.login', ' '.repeat(100_001))],
    ['a URL too long', 413, { target: `/trpc/status.get?${'a'.repeat(12_000)}` }],
    ['another type', 415, post('session.logout', '{}', { 'content-type': 'text/plain' })],
  ])('%s (%i)', async (_name, status, asked) => {
    await using app = await startApp();
    const own = await askRaw(app.url, { ...asked, headers: { ...asked.headers, 'x-request-id': 'of-the-caller' } });
    expect({ status: own.status, id: own.headers['x-request-id'] }).toEqual({ status, id: 'of-the-caller' });
    const other = await askRaw(app.url, asked);
    expect(other.headers['x-request-id']).toMatch(agreed);
  });

  it.each([
    ['bytes that are not HTTP', ['NONSENSE', '', '']],
    ['an invalid header', ['GET /trpc/status.get HTTP/1.1', 'host: a', 'broken header', '', '']],
    ['headers too large', ['GET /trpc/status.get HTTP/1.1', 'host: a', `x-pad: ${'a'.repeat(33_000)}`, '', '']],
    [
      'an invalid chunk',
      ['POST /trpc/session.logout HTTP/1.1', 'host: a', 'x-csrf: 1', 'transfer-encoding: chunked', '', 'zz', '', ''],
    ],
  ])('%s', async (_name, lines) => {
    await using app = await startApp();
    const answer = await sendLines(app.url, lines);
    expect(errorOf(answer).httpStatus).toBeLessThan(500);
    expect(answer.headers['x-request-id']).toMatch(agreed);
  });
});

it('is sent to the Auth Service with every call, and is in every log line', async () => {
  await using app = await startApp();
  const { access, refresh } = await app.authService.issue({ type: 'staff', id: 123 });
  const headers = { cookie: `access_token=${access}; refresh_token=${refresh}`, 'x-request-id': 'one-for-all' };
  for (const [path, input] of [
    ['users.byId', { json: { id: 1 } }],
    ['users.me', undefined],
    ['employees.byId', { json: { id: 3 } }],
    ['session.validate', undefined],
  ] as const) {
    await askRaw(app.url, { target: queryTarget(path, input), headers });
  }
  await askRaw(app.url, post('session.refresh', '{}', headers));
  await askRaw(app.url, post('session.logout', '{}', headers));
  await askRaw(app.url, post('session.login', written({ email: 'unknown@example.com', password: 'x' }), headers));
  expect(app.authService.count()).toBeGreaterThanOrEqual(6);
  for (const { endpoint, headers: sent } of app.authService.calls) {
    expect({ endpoint, id: sent['x-request-id'] }).toEqual({ endpoint, id: 'one-for-all' });
  }
  for (const line of app.logLines) expect(line).toMatchObject({ requestId: 'one-for-all' });
});

it('is sent to the Auth Service if the BFF generated it', async () => {
  await using app = await startApp();
  const { access } = await app.authService.issue({ type: 'staff', id: 123 });
  const headers = { cookie: `access_token=${access}`, 'x-request-id': 'not agreed' };
  const answer = await askRaw(app.url, { target: queryTarget('users.byId', { json: { id: 1 } }), headers });
  expect(app.authService.calls.map((call) => call.headers['x-request-id'])).toEqual([answer.headers['x-request-id']]);
});
