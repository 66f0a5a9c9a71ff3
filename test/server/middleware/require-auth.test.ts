import { validateHeaderValue } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type GuardOptions,
  startExpressService,
  startFastifyService,
  startFetchService,
  startNodeService,
} from '../../support/app/guarded-services.ts';
import { goodTokens, hostileTokens } from '../../support/token/hostile-tokens.ts';
import { createRawConnection, type RawConnection } from '../../support/app/raw-connection.ts';
import { createRawConnections } from '../../support/app/raw-connections.ts';
import { askRaw, type RawRequest, sendLines } from '../../support/app/raw-request.ts';
import { craft, now, previousKey, seconds, signingKey, staffClaims, staffToken } from '../../support/token/tokens.ts';

const required = { status: 401, body: '{"error":"Authentication required"}' };
const invalid = { status: 401, body: '{"error":"Invalid token"}' };
const forbidden = { status: 403, body: '{"error":"Insufficient permissions"}' };

const options: GuardOptions = {
  signingKeys: [signingKey, previousKey],
  publicPrefixes: ['/public'],
  now: () => now,
};
const good = staffToken(now);
const expired = staffToken(now, { exp: seconds(now) });
const theirs = staffToken(now, { user_id: 6 });
const cookie = (token: string) => ({ cookie: `access_token=${token}` });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const admin = staffToken(now, { roles: [{ system: 'tts', role: 'admin' }] });

type Service = Awaited<ReturnType<typeof startExpressService>>;

/** Node writes headers as Latin-1, so this yields the UTF-8 bytes of the token. */
const asBytes = (token: string) => Buffer.from(token).toString('latin1');

/** Whether a header can carry the token unchanged. White space at its ends is trimmed, which makes it another token. */
const travels = (token: string) => {
  const value = asBytes(token);
  if (value === '' || value.trim() !== value || value.includes(';') || value.length > 12_000) return false;
  try {
    validateHeaderValue('cookie', value);
    return true;
  } catch {
    return false;
  }
};

describe.each([
  { name: 'Express', start: startExpressService },
  { name: 'Fastify', start: startFastifyService },
  { name: 'node:http (createAuthenticator)', start: startNodeService },
  { name: 'fetch (createRequestAuthenticator)', start: startFetchService },
])('requireAuth for $name', ({ start }) => {
  let service: Service;
  // One kept connection: a new one for each of the hundreds of tokens would take most of the time.
  let connection: RawConnection;
  beforeAll(async () => {
    service = await start(options);
    connection = createRawConnection(service.url);
  });
  afterAll(async () => {
    connection.close();
    await service[Symbol.asyncDispose]();
  });

  const ask = (request: Partial<RawRequest> = {}) => connection.ask({ target: '/tickets', ...request });
  const askWith = (headers: NonNullable<RawRequest['headers']>) => ask({ headers });
  /** The payload and the principal that the handler saw. */
  const seenBy = async (request: Partial<RawRequest>) => {
    const { status, body } = await ask(request);
    expect({ status, body }).toMatchObject({ status: 200 });
    return JSON.parse(body) as { payload: unknown; auth: unknown; body?: unknown };
  };

  it('passes the person of the cookie to the handler', async () => {
    const roles = [{ system: 'tts', role: 'Agent' }];
    const claims = { email: 'ana@example.org', roles, extra: { a: [1] } };
    const { payload, auth } = await seenBy({ headers: cookie(staffToken(now, claims)) });
    expect(payload).toEqual(staffClaims(now, claims));
    expect(auth).toEqual({
      type: 'staff',
      id: 123,
      email: 'ana@example.org',
      fullName: null,
      systems: ['TTS'],
      roles: [{ system: 'TTS', role: 'Agent' }],
    });
  });

  it('passes the person of the Bearer token to the handler', async () => {
    expect(await seenBy({ headers: bearer(good) })).toMatchObject({ payload: { user_id: 123 }, auth: { id: 123 } });
  });

  it.each([
    ['the request has no token', {}],
    ['the cookie is empty', { cookie: 'access_token=' }],
    ['the cookie is empty and quoted, as Django deletes it', { cookie: 'access_token=""' }],
    [
      'the request has only other cookies',
      { cookie: `refresh_token=${good}; access_tokens=${good}; ACCESS_TOKEN=${good}` },
    ],
    ['the token after Bearer is missing', { authorization: 'Bearer ' }],
    ['the scheme is not Bearer', { authorization: `Basic ${good}` }],
    ['the scheme is missing', { authorization: good }],
  ])('answers 401 without a token if %s', async (_, headers) => {
    expect(await askWith(headers)).toMatchObject(required);
  });

  it.each([
    ['the cookie has expired', cookie(expired)],
    ['the Bearer token has expired', bearer(expired)],
    ['the cookie is nonsense', cookie('nonsense')],
    ['the cookie is bad and Bearer is good', { ...cookie(expired), ...bearer(good) }],
    ['the cookie is present twice, with different values', { cookie: `access_token=${good}; access_token=${theirs}` }],
    ['every value of the cookie is nonsense', { cookie: 'access_token=nonsense; access_token=more' }],
    [
      'a valid cookie comes with an expired one of another person',
      {
        cookie: `access_token=${staffToken(now, { user_id: 6, exp: seconds(now) - 1 })}; access_token=${good}`,
      },
    ],
    ['it is a refresh token', cookie(staffToken(now, { token_type: 'refresh' }))],
    ['the second factor is still missing', cookie(staffToken(now, { otp_required: true }))],
  ])('rejects the token if %s', async (_, headers) => {
    expect(await askWith(headers)).toMatchObject(invalid);
  });

  it('prefers the cookie, and reads the Bearer token if the cookie is empty', async () => {
    expect(await seenBy({ headers: { ...cookie(good), ...bearer(theirs) } })).toMatchObject({ auth: { id: 123 } });
    expect(await seenBy({ headers: { ...cookie(good), ...bearer('nonsense') } })).toMatchObject({ auth: { id: 123 } });
    expect(await seenBy({ headers: { ...cookie(''), ...bearer(theirs) } })).toMatchObject({ auth: { id: 6 } });
  });

  it('answers errors as JSON', async () => {
    const { headers } = await ask();
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(headers['content-length']).toBe(String(required.body.length));
  });

  it.each(['HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE'])('rejects %s without a token', async (method) => {
    expect((await ask({ method })).status).toBe(401);
    const preflight = { origin: 'https://tts.example.org', 'access-control-request-method': 'POST' };
    expect((await ask({ method, headers: preflight })).status).toBe(401);
    expect((await ask({ method, headers: cookie(good) })).status).toBe(200);
  });

  it('answers a HEAD without a body', async () => {
    expect(await ask({ method: 'HEAD' })).toMatchObject({ status: 401, body: '' });
  });

  it('leaves the body unread for the handler', async () => {
    const headers = { ...cookie(good), 'content-type': 'application/json' };
    expect(await seenBy({ method: 'POST', headers, body: '{"title":"Printer"}' })).toMatchObject({
      body: { title: 'Printer' },
    });
  });

  it('answers 401, not 404, for an unknown path without a token', async () => {
    expect(await ask({ target: '/no-such-path' })).toMatchObject(required);
    expect((await ask({ target: '/no-such-path', headers: cookie(good) })).status).toBe(404);
  });

  it('keeps concurrent requests of different people separate', async () => {
    const tokens = Array.from({ length: 40 }, (_, index) => staffToken(now, { user_id: (index % 20) + 1 }));
    using connections = createRawConnections(service.url);
    const answers = await Promise.all(
      tokens.map((token) => connections.ask({ target: '/tickets', headers: cookie(token) })),
    );
    const seen = answers.map(({ body }) => JSON.parse(body) as { auth: unknown });
    expect(seen.map(({ auth }) => auth)).toEqual(
      tokens.map((_, index) => expect.objectContaining({ id: (index % 20) + 1 })),
    );
  });

  it('distinguishes an employee from the staff user with the same number', async () => {
    const { auth, payload } = await seenBy({
      headers: cookie(staffToken(now, { user_id: undefined, employee_id: 123, user_type: 'employee' })),
    });
    expect(auth).toMatchObject({ type: 'employee', id: 123 });
    expect(payload).toMatchObject({ employee_id: 123 });
  });

  describe('under a public prefix', () => {
    it.each(['/public', '/public/info', '/public/info?token=1', '/public/a/b', '/public/info/'])(
      'lets %s pass without a token',
      async (target) => {
        expect([200, 404]).toContain((await ask({ target })).status);
      },
    );

    it('passes no person to the handler, with any token', async () => {
      const anonymous = { payload: null, auth: null };
      expect(await seenBy({ target: '/public/info' })).toMatchObject(anonymous);
      expect(await seenBy({ target: '/public/info', headers: cookie(good) })).toMatchObject(anonymous);
      expect(await seenBy({ target: '/public/info', headers: cookie('nonsense') })).toMatchObject(anonymous);
    });

    it.each([
      '/public-but-not',
      '/publi',
      '/PUBLIC/info',
      '//public/info',
      '/public//info',
      '/public//',
      '/public/../secret',
      '/public/./info',
      '/public/..',
      '/public/../secret?x=/public/',
      '/public/%2e%2e/secret',
      '/public/%2E%2E%2Fsecret',
      '/public/.%2e/secret',
      '/public/..%2fsecret',
      '/public%2f..%2fsecret',
      '/public%2finfo',
      '/public/%252e%252e/secret',
      '/public/..;/secret',
      '/public;/../secret',
      '/public/..\\secret',
      '/public/%5c..%5csecret',
      '/public/%00',
      '/%70ublic/info',
      '/secret#/public/info',
      '/public#/../secret',
      '/secret?/public/',
      '/secret?next=/public/info',
    ])('does not treat %s as public', async (target) => {
      expect(await ask({ target })).toMatchObject(required);
    });

    it.each(['/public/%c0%ae%c0%ae/secret', '/public/%u002e%u002e/secret', '/public/%'])(
      'does not treat %s, which no router can parse, as public',
      async (target) => {
        expect([400, 401]).toContain((await ask({ target })).status);
      },
    );

    it('does not treat another form of request target as public', async () => {
      const answers = await Promise.all(
        ['http://localhost/public/info', 'http://localhost/public/../secret', '*', '/secret /public/info'].map(
          (target) =>
            sendLines(service.url, [`OPTIONS ${target} HTTP/1.1`, 'Host: localhost', 'Connection: close', '', '']),
        ),
      );
      expect(answers.map(({ status }) => [400, 401].includes(status))).toEqual([true, true, true, true]);
    });

    it('still requires a person if the route requires a role', async () => {
      expect(await ask({ target: '/public/admin' })).toMatchObject(required);
    });
  });

  describe('with requireRole', () => {
    const askAdmin = (headers: NonNullable<RawRequest['headers']>) => ask({ target: '/admin', headers });

    it('admits a person with the role in the system, case-insensitively', async () => {
      expect((await askAdmin(cookie(admin))).status).toBe(200);
    });

    it.each([
      ['another role in the system', { roles: [{ system: 'TTS', role: 'Agent' }] }],
      ['the role in another system', { roles: [{ system: 'AMS', role: 'Admin' }] }],
      ['no roles', { roles: [] }],
      ['a token without roles', {}],
      ['the role without its system', { roles: ['Admin'], systems: ['TTS'] }],
      ['a role that only begins with the name', { roles: [{ system: 'TTS', role: 'Administrator' }] }],
      ['an inactive role', { roles: [{ system: 'TTS', role: 'Admin', is_active: false }] }],
      ['a role with a dotless i, whose uppercase form is I', { roles: [{ system: 'TTS', role: 'Admın' }] }],
      ['a system with a long s, whose uppercase form is S', { roles: [{ system: 'TTſ', role: 'Admin' }] }],
    ])('rejects %s', async (_, claims) => {
      expect(await askAdmin(cookie(staffToken(now, claims)))).toMatchObject(forbidden);
    });

    it('requires authentication first', async () => {
      expect(await askAdmin({})).toMatchObject(required);
      expect(await askAdmin(cookie(expired))).toMatchObject(invalid);
    });
  });

  describe('with the token tables', () => {
    const hostile = hostileTokens({ signingKey, now });
    const sent = hostile.filter(({ token }) => travels(token));

    it('sends all tokens unchanged, except those that no header can carry', () => {
      expect(hostile.filter(({ token }) => !travels(token)).map(({ name }) => name)).toEqual([
        'a space before the token',
        'a space behind the token',
        'a newline behind the token',
        'a tab behind the token',
        'a carriage return and a newline before the token',
        'a newline inside the header',
        'a newline inside the payload',
        'a newline inside the signature',
        'a NUL behind the token',
        'an empty string',
        'a second pair of name and value behind it',
        'a megabyte',
      ]);
      expect(sent.length).toBeGreaterThan(150);
    });

    it.each([
      ['the cookie', (token: string) => ({ cookie: `a=b; access_token=${asBytes(token)}; c=d` })],
      ['Bearer', (token: string) => ({ authorization: `Bearer ${asBytes(token)}` })],
    ])('rejects every hostile token in %s', async (_, headersOf) => {
      const verdicts: Array<{ name: string; answer: unknown }> = [];
      for (const { name, token } of sent) {
        const { status, body } = await askWith(headersOf(token));
        verdicts.push({ name, answer: { status, body } });
      }
      expect(verdicts).toEqual(sent.map(({ name }) => ({ name, answer: invalid })));
    });

    it('admits every good token as its person', async () => {
      const all = goodTokens({ signingKey, previousKey, now });
      const seen: unknown[] = [];
      for (const { token } of all) {
        seen.push(JSON.parse((await ask({ target: '/who', headers: cookie(token) })).body));
      }
      expect(seen).toEqual(all.map(({ principal }) => principal));
    });

    it('admits a token until the last millisecond before its exp', async () => {
      const clock = { now };
      await using timed = await start({ ...options, now: () => clock.now });
      const status = async () => (await askRaw(timed.url, { target: '/tickets', headers: cookie(good) })).status;
      expect(await status()).toBe(200);
      clock.now = now + 900_000 - 1;
      expect(await status()).toBe(200);
      clock.now = now + 900_000;
      expect(await status()).toBe(401);
    });

    it('accepts only the configured algorithm', async () => {
      await using service512 = await start({ ...options, algorithm: 'HS512' });
      const askFor = async (token: string) =>
        (await askRaw(service512.url, { target: '/tickets', headers: cookie(token) })).status;
      expect(await askFor(good)).toBe(401);
      const token = craft({ header: { alg: 'HS512' }, payload: staffClaims(now), hash: 'sha512' });
      expect(await askFor(token)).toBe(200);
    });
  });
});
