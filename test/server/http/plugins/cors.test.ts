import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { johnsCredentials } from '../../../support/app/people.ts';
import { createRawConnection, type RawConnection } from '../../../support/app/raw-connection.ts';
import { postHeaders, type RawAnswer, type RawRequest, written } from '../../../support/app/raw-request.ts';
import { createClock, startApp, type TestApp } from '../../../support/app/start-app.ts';

const allowed = 'https://tts.example.org';
const env = { CORS_ORIGINS: `${allowed},http://localhost:3000` };
const exposed = [
  'x-request-id',
  'x-session-expires-in',
  'x-session-refresh-in',
  'x-session-user',
  'x-directory-stale',
  'retry-after',
].toSorted();

const listOf = (value: string | undefined): string[] =>
  (value ?? '')
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== '')
    .toSorted();
const corsHeadersOf = ({ headers }: RawAnswer) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control'));

const login = written(johnsCredentials);
const post = (target: string, rest: Partial<RawRequest> = {}): RawRequest => ({
  method: 'POST',
  target,
  headers: postHeaders,
  body: '{}',
  ...rest,
});

/** Every kind of response, with its status. */
const answers: Array<[name: string, status: number, asked: RawRequest]> = [
  ['a query', 200, { target: '/trpc/status.get' }],
  ['a batch', 200, { target: '/trpc/status.get,status.get?batch=1' }],
  ['a batch of mixed results', 207, { target: '/trpc/status.get,session.me?batch=1' }],
  ['a stream', 200, { target: '/trpc/status.get?batch=1', headers: { 'trpc-accept': 'application/jsonl' } }],
  ['a sign-in', 200, post('/trpc/session.login', { body: login })],
  ['a sign-out', 200, post('/trpc/session.logout')],
  ['a HEAD', 204, { method: 'HEAD', target: '/trpc/status.get' }],
  ['an unauthenticated call', 401, { target: '/trpc/session.me' }],
  ['an invalid input', 400, post('/trpc/session.login')],
  ['a broken body', 400, post('/trpc/session.login', { body: '{' })],
  ['a batch too large', 400, { target: `/trpc/${Array(51).fill('status.get').join(',')}?batch=1` }],
  ['a malformed name', 400, { target: '/trpc/%25zz' }],
  ['a malformed host', 400, { target: '/trpc/status.get', headers: { host: '[' } }],
  ['a missing header', 403, post('/trpc/session.logout', { headers: { 'content-type': 'application/json' } })],
  ['an unknown procedure', 404, { target: '/trpc/no.such' }],
  ['another method', 405, { method: 'PUT', target: '/trpc/status.get' }],
  ['a body too large', 413, post('/trpc/session.login', { body: ' '.repeat(100_001) })],
  ['a URL too long', 413, { target: `/trpc/status.get?pad=${'a'.repeat(12_000)}` }],
  ['another type', 415, post('/trpc/session.logout', { headers: { 'content-type': 'text/plain', 'x-csrf': '1' } })],
];
const elsewhere: typeof answers = [
  ['an unknown path', 404, { target: '/no/such/path' }],
  ['a path below a procedure', 404, { target: '/trpc/status.get/more' }],
  ['the health check', 200, { target: '/health/live' }],
];
const from = (origin: string | undefined, asked: RawRequest): RawRequest => ({
  ...asked,
  headers: { ...asked.headers, ...(origin === undefined ? {} : { origin }) },
});

// The tests share two apps, with and without CORS_ORIGINS, and a connection to each: no request changes another's answer.
const clock = createClock();
type Shared = { app: TestApp; connection: RawConnection };
let withOrigins: Shared;
let withoutOrigins: Shared;
const start = async (settings: Record<string, string>): Promise<Shared> => {
  const app = await startApp({ now: clock.now, env: { RATE_LIMIT_PER_MINUTE: '0', ...settings } });
  return { app, connection: createRawConnection(app.url) };
};
beforeAll(async () => {
  withOrigins = await start(env);
  withoutOrigins = await start({});
});
// One account and one address have a limited number of sign-ins per minute.
beforeEach(() => {
  clock.advance(60_000);
  withOrigins.app.authService.resetCalls();
});
afterAll(async () => {
  for (const { app, connection } of [withOrigins, withoutOrigins]) {
    connection.close();
    await app[Symbol.asyncDispose]();
  }
});

describe('an allowed origin', () => {
  it.each([...answers, ...elsewhere])('can read %s (%i)', async (_name, status, asked) => {
    const { connection } = withOrigins;
    for (const origin of [allowed, 'http://localhost:3000']) {
      const answer = await connection.ask(from(origin, asked));
      expect(answer.status).toBe(status);
      expect(answer.headers['access-control-allow-origin']).toBe(origin);
      expect(answer.headers['access-control-allow-credentials']).toBe('true');
      expect(listOf(answer.headers['access-control-expose-headers'])).toEqual(exposed);
    }
  });

  it('can send everything that the client package sends, after one cached preflight', async () => {
    const { app, connection } = withOrigins;
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    for (const path of ['session.logout', 'status.get', `status.get?pad=${'a'.repeat(12_000)}`]) {
      const answer = await connection.ask({
        method: 'OPTIONS',
        target: `/trpc/${path}`,
        headers: {
          origin: allowed,
          cookie: `access_token=${access}`,
          'sec-fetch-site': 'cross-site',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,x-csrf',
        },
      });
      expect(answer).toMatchObject({ status: 204, body: '', setCookies: [] });
      const { headers } = answer;
      expect(headers['access-control-allow-origin']).toBe(allowed);
      expect(headers['access-control-allow-credentials']).toBe('true');
      expect(listOf(headers['access-control-allow-methods'])).toEqual(['delete', 'get', 'post', 'put']);
      expect(listOf(headers['access-control-allow-headers'])).toEqual(
        expect.arrayContaining(['authorization', 'content-type', 'trpc-accept', 'x-csrf', 'x-request-id']),
      );
      expect(headers['access-control-max-age']).toBe('600');
      expect(headers['x-request-id']).toMatch(/^[\w-]{1,64}$/);
    }
    expect(app.authService.count()).toBe(0);
  });
});

describe.each([
  ['another site', 'https://evil.example'],
  ['the same host by another scheme', 'http://tts.example.org'],
  ['another port', 'https://tts.example.org:8443'],
  ['a host that begins with it', 'https://tts.example.org.evil.example'],
  ['a subdomain', 'https://a.tts.example.org'],
  ['an opaque origin', 'null'],
  ['a wildcard', '*'],
])('an origin that is not in the list: %s', (_name, origin) => {
  it('receives no header that lets a script read the response', async () => {
    const { connection } = withOrigins;
    for (const [name, , asked] of [...answers, ...elsewhere]) {
      const answer = await connection.ask(from(origin, asked));
      expect({ name, headers: corsHeadersOf(answer) }).toEqual({ name, headers: [] });
    }
  });

  it('fails its preflight', async () => {
    const { connection } = withOrigins;
    const headers = { origin, 'access-control-request-method': 'POST' };
    const answer = await connection.ask({ method: 'OPTIONS', target: '/trpc/session.logout', headers });
    expect(answer.status).toBe(405);
    expect(corsHeadersOf(answer)).toEqual([]);
  });
});

describe('the Vary header of a response', () => {
  it.each([
    ['no Origin', undefined],
    ['an allowed origin', allowed],
    ['another', 'https://evil.example'],
  ])('names Origin and trpc-accept, with %s', async (_name, origin) => {
    const { connection } = withOrigins;
    for (const [name, , asked] of answers) {
      const vary = listOf((await connection.ask(from(origin, asked))).headers.vary);
      expect({ name, vary }).toEqual({ name, vary: ['accept', 'origin', 'trpc-accept'] });
    }
    for (const [name, , asked] of elsewhere) {
      const vary = listOf((await connection.ask(from(origin, asked))).headers.vary);
      expect({ name, vary }).toEqual({ name, vary: ['origin'] });
    }
  });

  it('omits Origin if no origin is allowed', async () => {
    const { connection } = withoutOrigins;
    for (const [name, , asked] of answers) {
      const vary = listOf((await connection.ask(asked)).headers.vary);
      expect({ name, vary }).toEqual({ name, vary: ['accept', 'trpc-accept'] });
    }
  });
});

describe('without CORS_ORIGINS', () => {
  it('the BFF sends no CORS headers', async () => {
    const { app, connection } = withoutOrigins;
    for (const origin of [allowed, app.url, 'null']) {
      for (const [name, , asked] of [...answers, ...elsewhere]) {
        const answer = await connection.ask(from(origin, asked));
        expect({ name, headers: corsHeadersOf(answer) }).toEqual({ name, headers: [] });
      }
      const headers = { origin, 'access-control-request-method': 'POST' };
      const preflight = await connection.ask({ method: 'OPTIONS', target: '/trpc/session.logout', headers });
      expect(preflight.status).toBe(405);
      expect(corsHeadersOf(preflight)).toEqual([]);
    }
  });
});

it('the BFF forbids caches to store a response', async () => {
  const { connection } = withOrigins;
  for (const [name, , asked] of answers) {
    const answer = await connection.ask(asked);
    expect({ name, cache: answer.headers['cache-control'] }).toEqual({ name, cache: 'no-store' });
  }
});
