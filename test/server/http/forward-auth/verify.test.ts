import { METHODS } from 'node:http';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { john } from '../../../support/app/people.ts';
import { createRawConnection, type RawConnection } from '../../../support/app/raw-connection.ts';
import { askRaw, type RawAnswer, type RawRequest } from '../../../support/app/raw-request.ts';
import { createClock, dialects, signingKey, startApp, type TestApp } from '../../../support/app/start-app.ts';
import { startSignedIn } from '../../../support/app/start-signed-in.ts';
import { hostileTokens } from '../../../support/token/hostile-tokens.ts';
import { staffToken } from '../../../support/token/tokens.ts';

const names = ['x-auth-user', 'x-auth-email', 'x-auth-systems', 'x-auth-roles', 'x-auth-assertion'] as const;
const nothing = Object.fromEntries(names.map((name) => [name, '']));

const cookie = (token: string) => ({ cookie: `access_token=${token}` });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** The headers for the proxy. */
const factsOf = ({ headers }: RawAnswer) => Object.fromEntries(names.map((name) => [name, headers[name]]));
const refusalOf = (answer: RawAnswer) => [answer.status, answer.headers['x-auth-reason']];

describe.each(dialects)('/bff/verify over the %s dialect', (dialect) => {
  const clock = createClock();
  let app: TestApp;
  let connection: RawConnection;
  beforeAll(async () => {
    app = await startApp({ dialect, now: clock.now, env: { CORS_ORIGINS: 'https://tts.example.org' } });
    connection = createRawConnection(app.url);
  });
  afterAll(async () => {
    connection.close();
    await app[Symbol.asyncDispose]();
  });
  beforeEach(() => app.authService.clearFaults());

  const ask = (request: Partial<RawRequest> = {}) => connection.ask({ target: '/bff/verify', ...request });
  const tokenOf = async (
    overrides: Record<string, unknown> = {},
    subject: { type: 'staff' | 'employee'; id: number } = john,
  ) => (await app.authService.issue(subject, overrides)).access;

  it('tells the proxy who the caller of the cookie or the Bearer token is', async () => {
    const token = await tokenOf();
    for (const headers of [cookie(token), bearer(token)]) {
      const answer = await ask({ headers });
      expect([answer.status, answer.body]).toEqual([200, '']);
      expect(factsOf(answer)).toEqual({
        'x-auth-user': 'staff:123',
        'x-auth-email': 'user@example.com',
        'x-auth-systems': 'TTS,AMS',
        'x-auth-roles': 'TTS:Technician,AMS:User',
        'x-auth-assertion': '',
      });
      expect(answer.headers).not.toHaveProperty('x-auth-reason');
    }
  });

  it('tells the proxy that a caller is an employee', async () => {
    const answer = await ask({ headers: bearer(await tokenOf({}, { type: 'employee', id: 7 })) });
    expect([answer.status, answer.headers['x-auth-user']]).toEqual([200, 'employee:7']);
  });

  it('answers 401 without a token, with an expired one, and with an invalid one', async () => {
    const expired = await tokenOf({ exp: Math.floor(clock.now() / 1000) });
    expect(refusalOf(await ask())).toEqual([401, 'no_token']);
    expect(refusalOf(await ask({ headers: { cookie: 'refresh_token=any' } }))).toEqual([401, 'token_expired']);
    expect(refusalOf(await ask({ headers: bearer(expired) }))).toEqual([401, 'token_expired']);
    const invalid = await ask({ headers: bearer('no.such.token') });
    expect(refusalOf(invalid)).toEqual([401, 'token_invalid']);
    expect([invalid.body, factsOf(invalid)]).toEqual(['', nothing]);
  });

  it('never takes over headers of the caller about themselves', async () => {
    const forged = { ...Object.fromEntries(names.map((name) => [name, 'staff:1'])), 'x-auth-reason': 'none' };
    expect(factsOf(await ask({ headers: forged }))).toEqual(nothing);
    expect(factsOf(await ask({ headers: { ...forged, ...bearer(await tokenOf()) } }))).toMatchObject({
      'x-auth-user': 'staff:123',
      'x-auth-assertion': '',
    });
  });

  it.each([
    ['?system=TTS', 200],
    ['?system=tts', 200],
    ['?system=HDTS', 403],
    ['?system=HDTS&system=AMS', 200],
    ['?system=TTS&role=Technician', 200],
    ['?system=TTS&role=technician', 200],
    ['?system=TTS&role=User', 403],
    ['?system=AMS&system=TTS&role=User', 200],
    ['?system=TTS&role=Admin', 403],
  ])('for %s, answers John with %i', async (query, status) => {
    const answer = await ask({ target: `/bff/verify${query}`, headers: bearer(await tokenOf()) });
    expect(answer.status).toBe(status);
    expect(answer.headers['x-auth-reason']).toBe(status === 403 ? 'insufficient_permissions' : undefined);
    // The roles, too, whatever the decision needed.
    expect(answer.headers['x-auth-roles']).toBe(status === 403 ? '' : 'TTS:Technician,AMS:User');
  });

  // The tokens of the deployed service always name them, and its records never do.
  it.runIf(dialect === 'guide')('decides by the records of a person whose token names no system', async () => {
    const headers = bearer(await tokenOf({ systems: undefined, roles: undefined }));
    const [member, stranger] = [
      await ask({ target: '/bff/verify?system=TTS&role=Technician', headers }),
      await ask({ target: '/bff/verify?system=BMS', headers }),
    ];
    expect([member.status, stranger.status]).toEqual([200, 403]);
    expect(member.headers['x-auth-roles']).toBe('TTS:Technician,AMS:User');
  });

  it.each([
    ['?sytem=TTS', 'sytem'],
    ['?system=', 'system'],
    ['?role=Admin', 'role'],
    ['?system=TTS&role=A&role=B', 'role'],
    ['?audience=a&audience=b', 'audience'],
    ['?audience=a%0Ab', 'audience'],
    ['?system=TTS&__proto__=1', '__proto__'],
  ])('admits nobody by the misspelt requirement %s, and names the parameter in the log', async (query, path) => {
    app.logLines.length = 0;
    const answer = await ask({ target: `/bff/verify${query}`, headers: bearer(await tokenOf()) });
    expect(refusalOf(answer)).toEqual([503, 'invalid_input']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(factsOf(answer)).toEqual(nothing);
    await ask({ target: `/bff/verify${query}` });
    const errors = app.logLines.filter(({ msg }) => String(msg).includes('Correct the configuration'));
    expect(errors.map(({ issues }) => issues)).toEqual([[expect.objectContaining({ path })]]);
  });

  it('repeats at most 64 characters of a name that the caller made up in the log', async () => {
    app.logLines.length = 0;
    await ask({ target: `/bff/verify?made-up-${'x'.repeat(8_000)}=1` });
    const errors = app.logLines.filter(({ level }) => level === 50);
    expect(errors.map(({ issues }) => issues)).toEqual([
      [expect.objectContaining({ path: `made-up-${'x'.repeat(56)}` })],
    ]);
    expect(JSON.stringify(app.logLines)).not.toContain('x'.repeat(57));
  });

  it('answers every method, with any content type and body', async () => {
    const headers = bearer(await tokenOf());
    const answers = await Promise.all(
      METHODS.filter((method) => method !== 'CONNECT').map(async (method) => {
        const { status, headers: given } = await askRaw(app.url, {
          method,
          target: '/bff/verify?system=TTS',
          headers: { ...headers, 'content-type': 'no type' },
          body: method === 'POST' ? 'x'.repeat(200_000) : [],
        });
        return [method, status, given['x-auth-user']];
      }),
    );
    expect(answers.filter(([, status, user]) => status !== 200 || user !== 'staff:123')).toEqual([]);
  });

  it('is not exposed to scripts of other origins, ignores Origin, and sets no cookies', async () => {
    const [other, conflict] = [await tokenOf(), await tokenOf({ user_id: 5 })];
    const headers = { origin: 'https://tts.example.org', 'sec-fetch-site': 'cross-site' };
    for (const request of [
      { headers: { ...headers, ...cookie(other) } },
      { headers: { ...headers, cookie: `access_token=${other}; access_token=${conflict}` } },
      { method: 'OPTIONS', headers: { ...headers, 'access-control-request-method': 'GET' } },
    ]) {
      const answer = await ask(request);
      expect(answer.setCookies).toEqual([]);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('asks the Auth Service nothing about a person whom it knows', async () => {
    const headers = bearer(await tokenOf(dialect === 'guide' ? { systems: undefined, roles: undefined } : {}));
    await ask({ target: '/bff/verify?system=TTS', headers });
    app.authService.resetCalls();
    for (const query of ['', '?system=TTS', '?system=TTS&role=Technician', '?audience=tickets']) {
      expect((await ask({ target: `/bff/verify${query}`, headers })).status).toBe(200);
    }
    expect(app.authService.count()).toBe(0);
  });

  it('percent-encodes what a header cannot carry', async () => {
    const headers = bearer(
      await tokenOf({ email: 'ñ%@example.org', roles: [{ system: 'tts', role: 'Área, 100%: α' }], systems: [] }),
    );
    const answer = await ask({ headers });
    expect(answer.headers['x-auth-email']).toBe('%C3%B1%25@example.org');
    expect(answer.headers['x-auth-roles']).toBe('TTS:%C3%81rea%2C 100%25%3A %CE%B1');
  });

  it('gives an assertion to the audience that the proxy names, and to nobody else', async () => {
    const answer = await ask({ target: '/bff/verify?audience=tickets', headers: bearer(await tokenOf()) });
    const nowSeconds = Math.floor(clock.now() / 1000);
    expect(decodeJwt(String(answer.headers['x-auth-assertion']))).toEqual({
      iss: 'auth-bff',
      aud: 'tickets',
      sub: 'staff:123',
      iat: nowSeconds,
      exp: nowSeconds + 60,
      jti: expect.stringMatching(/^[\da-f-]{36}$/),
      email: 'user@example.com',
      name: 'John Doe',
      systems: ['TTS', 'AMS'],
      roles: [
        { system: 'TTS', role: 'Technician' },
        { system: 'AMS', role: 'User' },
      ],
    });
    const refused = await ask({ target: '/bff/verify?audience=tickets' });
    expect(refused.headers['x-auth-assertion']).toBe('');
  });

  it('refuses each of the hostile tokens', async () => {
    const tokens = hostileTokens({ signingKey, now: clock.now() }).filter(
      ({ token }) => /^[\x21-\x3a\x3c-\x7e]+$/.test(token) && token.length < 8_000,
    );
    expect(tokens.length).toBeGreaterThan(100);
    const admitted: unknown[] = [];
    for (const { name, token, reason } of tokens) {
      const answer = await ask({ headers: cookie(token) });
      if (answer.status !== 401 || answer.headers['x-auth-reason'] !== reason) admitted.push([name, refusalOf(answer)]);
    }
    expect(admitted).toEqual([]);
    expect((await ask({ headers: cookie(staffToken(clock.now(), {}, signingKey)) })).status).toBe(200);
  });
});

describe('/bff/verify', () => {
  it.each(dialects)('knows of a sign-out at once (%s)', async (dialect) => {
    await using test = await startSignedIn({ dialect });
    const verify = () => askRaw(test.url, { target: '/bff/verify', headers: cookie(test.tokens.access) });
    expect((await verify()).status).toBe(200);
    await test.browser.trpc.session.logout.mutate();
    expect(refusalOf(await verify())).toEqual([401, 'session_ended']);
  });

  it('answers 503 in an outage if the decision depends on the Auth Service, and 200 if not', async () => {
    await using app = await startApp();
    app.authService.fault('*', { kind: 'status', status: 500 });
    const { access } = await app.authService.issue(john, { systems: undefined, roles: undefined });
    const verify = (query: string) => askRaw(app.url, { target: `/bff/verify${query}`, headers: bearer(access) });
    const refused = await verify('?system=TTS');
    expect(refusalOf(refused)).toEqual([503, 'auth_service_unavailable']);
    expect(refused.headers['retry-after']).toMatch(/^\d+$/);
    const admitted = await verify('');
    expect([admitted.status, admitted.headers['x-auth-user'], admitted.headers['x-auth-systems']]).toEqual([
      200,
      'staff:123',
      '',
    ]);
  });

  it('has ten times the general limit, counted apart, and answers 503 with Retry-After beyond it', async () => {
    await using test = await startSignedIn({ env: { RATE_LIMIT_PER_MINUTE: '3' } });
    const connection = createRawConnection(test.url);
    const ask = (target: string) => connection.ask({ target, headers: bearer(test.tokens.access) });
    for (let call = 0; call < 3; call += 1) expect((await ask('/trpc/session.me')).status).toBe(200);
    expect((await ask('/trpc/session.me')).status).toBe(429);
    for (let call = 0; call < 30; call += 1) expect((await ask('/bff/verify')).status).toBe(200);
    const limited = await ask('/bff/verify');
    expect(refusalOf(limited)).toEqual([503, 'rate_limited']);
    expect([limited.headers['retry-after'], factsOf(limited)]).toEqual([expect.stringMatching(/^\d+$/), nothing]);
    connection.close();
  });

  it('reports the made-up queries of one caller in at most 100 lines of the log', async () => {
    await using test = await startSignedIn({ env: { RATE_LIMIT_PER_MINUTE: '0' } });
    const connection = createRawConnection(test.url);
    for (let made = 0; made < 120; made += 1) {
      const answer = await connection.ask({ target: `/bff/verify?made-up-${made}=1` });
      expect(refusalOf(answer)).toEqual([503, 'invalid_input']);
    }
    connection.close();
    expect(test.logLines.filter(({ level }) => level === 50)).toHaveLength(100);
  });

  it('answers 503 under overload, with every header empty', async () => {
    await using test = await startSignedIn({ isOverloaded: () => true });
    const answer = await askRaw(test.url, { target: '/bff/verify', headers: bearer(test.tokens.access) });
    expect(refusalOf(answer)).toEqual([503, 'overloaded']);
    expect(factsOf(answer)).toEqual(nothing);
  });

  it('writes an audit line about a caller who lacks the role', async () => {
    await using test = await startSignedIn();
    await askRaw(test.url, { target: '/bff/verify?system=TTS&role=Admin', headers: bearer(test.tokens.access) });
    expect(test.logLines.filter(({ audit }) => audit !== undefined)).toEqual([
      expect.objectContaining({ audit: 'permission_denied', procedure: 'verify', person: 'staff:123' }),
    ]);
  });
});
