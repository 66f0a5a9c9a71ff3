import { CookieJar } from 'tough-cookie';
import { describe, expect, it } from 'vitest';
import { johnsCredentials } from '../../../support/app/people.ts';
import {
  askRaw,
  errorOf,
  postHeaders,
  queryTarget,
  resultOf,
  sendLines,
  written,
} from '../../../support/app/raw-request.ts';
import { createClock, dialects, startApp, type StartAppOptions } from '../../../support/app/start-app.ts';
import { staffToken } from '../../../support/token/tokens.ts';

const login = written(johnsCredentials);
const host = 'tts.app.example.org';

/** An app, the tokens of two people, and a clock to expire them. */
const startWithTwo = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options });
  const { authService } = app;
  const mine = await authService.issue({ type: 'staff', id: 123 });
  const theirs = await authService.issue({ type: 'staff', id: 6 });
  const me = (cookie: string, headers: Record<string, string> = {}) =>
    askRaw(app.url, { target: '/trpc/session.me', headers: { cookie, ...headers } });
  const current = async (cookie: string) =>
    resultOf(await askRaw(app.url, { target: '/trpc/session.current', headers: { cookie } }));
  const post = (path: string, cookie: string, headers: Record<string, string> = {}, body = '{}') =>
    askRaw(app.url, {
      method: 'POST',
      target: `/trpc/${path}`,
      headers: { ...postHeaders, ...(cookie === '' ? {} : { cookie }), ...headers },
      body,
    });
  return {
    app,
    authService,
    clock,
    mine,
    theirs,
    me,
    current,
    post,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

const isPerson = (id: number) => expect.objectContaining({ user: expect.objectContaining({ id }) }) as unknown;
/** `name=; Domain=…; Path=…` of each line that expires a cookie. */
const expiredBy = (setCookies: readonly string[]): string[] =>
  setCookies
    .filter((line) => /; Max-Age=0(;|$)/.test(line))
    .map((line) =>
      line
        .split('; ')
        .filter((part) => /^(access|refresh)_token=|^(Domain|Path)=/.test(part))
        .join('; '),
    );

describe('a duplicate access cookie', () => {
  it('does not lock a person out if the other value is not a valid token', async () => {
    await using test = await startWithTwo();
    const { mine, me } = test;
    const planted = staffToken(test.clock.now(), { user_id: 6 }, 'a-key-that-is-not-the-one-of-the-auth-service!!');
    for (const other of ['nonsense', `"${mine.access}"`, planted, `${mine.access}x`, mine.refresh]) {
      for (const cookie of [
        `access_token=${other}; access_token=${mine.access}`,
        `access_token=${mine.access}; a=b; access_token=${other}`,
        `access_token =${mine.access};access_token=${other}`,
      ]) {
        expect(resultOf(await me(cookie))).toEqual(isPerson(123));
      }
    }
  });

  it('is rejected if both values are valid, for two people, in any order', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, me, app } = test;
    for (const cookie of [
      `access_token=${mine.access}; access_token=${theirs.access}`,
      `access_token=${theirs.access}; a=b; access_token=${mine.access}`,
    ]) {
      const answer = await me(cookie);
      expect(errorOf(answer)).toMatchObject({ httpStatus: 401, code: 'UNAUTHORIZED', reason: 'token_invalid' });
      expect(answer.body).not.toContain(mine.access);
      expect(await test.current(cookie)).toEqual({ state: 'signed_out' });
    }
    const { access } = await test.authService.issue({ type: 'employee', id: 123 });
    expect(errorOf(await me(`access_token=${mine.access}; access_token=${access}`)).reason).toBe('token_invalid');
    expect(app.authService.count()).toBe(0);
  });

  it('is rejected in two Cookie headers, too', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, app } = test;
    const answer = await sendLines(app.url, [
      'GET /trpc/session.me HTTP/1.0',
      `cookie: access_token=${mine.access}`,
      `cookie: access_token=${theirs.access}`,
      '',
      '',
    ]);
    expect(errorOf(answer).reason).toBe('token_invalid');
  });

  it("does not let a planted session take over when the person's own token has just expired", async () => {
    await using test = await startWithTwo();
    const { mine, me, clock, authService, current } = test;
    clock.advance(900_000);
    const planted = await authService.issue({ type: 'staff', id: 6 });
    for (const cookie of [
      `access_token=${mine.access}; access_token=${planted.access}`,
      `access_token=${planted.access}; access_token=${mine.access}`,
      `access_token=${planted.access}; access_token=${mine.access}; refresh_token=${mine.refresh}`,
    ]) {
      expect(errorOf(await me(cookie)).reason).toBe('token_invalid');
      expect(await current(cookie)).toEqual({ state: 'signed_out' });
    }
  });

  it('is resolved to the newest valid token if all name one person', async () => {
    await using test = await startWithTwo();
    const { mine, me, clock, authService } = test;
    clock.advance(60_000);
    const newer = await authService.issue({ type: 'staff', id: 123 });
    for (const cookie of [
      `access_token=${mine.access}; access_token=${newer.access}`,
      `access_token=${newer.access}; access_token=${mine.access}`,
    ]) {
      expect((await me(cookie)).headers['x-session-expires-in']).toBe('900');
    }
    clock.advance(850_000);
    expect(
      (await me(`access_token=${mine.access}; access_token=${newer.access}`)).headers['x-session-expires-in'],
    ).toBe('50');
  });

  it('answers token_expired, so that a refresh can help, if all values of one person have expired', async () => {
    await using test = await startWithTwo();
    const { mine, me, clock, authService, current } = test;
    const other = await authService.issue({ type: 'staff', id: 123 }, { extra: 1 });
    clock.advance(900_000);
    const cookie = `access_token=${mine.access}; access_token=${other.access}`;
    expect(errorOf(await me(cookie)).reason).toBe('token_expired');
    expect(await current(cookie)).toEqual({ state: 'signed_out' });
    expect(await current(`${cookie}; refresh_token=${mine.refresh}`)).toEqual({ state: 'expired' });
  });

  it('is not overridden by a Bearer token', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, me } = test;
    const cookie = `access_token=${mine.access}; access_token=${theirs.access}`;
    expect(errorOf(await me(cookie, { authorization: `Bearer ${mine.access}` })).reason).toBe('token_invalid');
  });

  it('counts as one if its values are equal or one is empty', async () => {
    await using test = await startWithTwo();
    const { mine, me } = test;
    for (const cookie of [
      `access_token=${mine.access}; access_token=${mine.access}`,
      `access_token=; access_token=${mine.access}`,
      `access_token=${mine.access}; access_token=""`,
      `access_token=${mine.access}; access_token`,
    ]) {
      expect(resultOf(await me(cookie))).toEqual(isPerson(123));
    }
  });

  it('is rejected if it is repeated more often than any browser does, so that no value can hide', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, me } = test;
    const junk = Array.from({ length: 8 }, (_, index) => `access_token=junk${index}`);
    const cookie = [`access_token=${theirs.access}`, ...junk, `access_token=${mine.access}`].join('; ');
    expect(errorOf(await me(cookie)).reason).toBe('token_invalid');
  });

  it('counts for the rate limit of its person', async () => {
    await using test = await startWithTwo({ env: { RATE_LIMIT_PER_MINUTE: '2' } });
    const { mine, me } = test;
    const cookie = `access_token=nonsense; access_token=${mine.access}`;
    expect([(await me(cookie)).status, (await me(cookie)).status, (await me(cookie)).status]).toEqual([200, 200, 429]);
    expect((await me('')).status).toBe(401);
  });

  it('is verified by the Auth Service with remote validation', async () => {
    await using test = await startWithTwo({
      env: { TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-that-is-long-enough-0123456789' },
    });
    const { mine, theirs, me, clock } = test;
    const forged = staffToken(clock.now(), { user_id: 6 }, 'a-key-that-is-not-the-one-of-the-auth-service!!');
    expect(resultOf(await me(`access_token=${forged}; access_token=${mine.access}`))).toEqual(isPerson(123));
    expect(errorOf(await me(`access_token=${theirs.access}; access_token=${mine.access}`)).reason).toBe(
      'token_invalid',
    );
  });
});

describe('a duplicate access cookie with remote validation', () => {
  it('is checked with the Auth Service again after 30 s', async () => {
    await using test = await startWithTwo({
      env: { TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-that-is-long-enough-0123456789' },
    });
    const { mine, me, clock, authService } = test;
    const other = await authService.issue({ type: 'staff', id: 123 });
    const cookie = `access_token=${mine.access}; access_token=${other.access}`;
    expect(resultOf(await me(cookie))).toEqual(isPerson(123));
    authService.fault('validate', { kind: 'status', status: 401, body: '{"detail":"no"}' });
    clock.advance(31_000);
    expect(errorOf(await me(cookie)).reason).toBe('token_invalid');
  });
});

describe('a duplicate refresh cookie', () => {
  it('is ignored by a call that refreshes nothing', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, me } = test;
    const cookie = `access_token=${mine.access}; refresh_token=${mine.refresh}; refresh_token=${theirs.refresh}`;
    expect(resultOf(await me(cookie))).toEqual(isPerson(123));
  });

  it('is rejected for two people, clears all cookies and calls no upstream', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, post, app } = test;
    const cookie = `access_token=${mine.access}; refresh_token=${mine.refresh}; refresh_token=${theirs.refresh}`;
    const answer = await post('session.refresh', cookie, { host });
    expect(errorOf(answer).reason).toBe('token_invalid');
    expect(expiredBy(answer.setCookies)).toEqual(
      expect.arrayContaining([
        'access_token=; Path=/',
        'refresh_token=; Path=/',
        'refresh_token=; Domain=app.example.org; Path=/',
        'refresh_token=; Domain=example.org; Path=/',
      ]),
    );
    expect(app.authService.count()).toBe(0);
  });

  it('is rejected if it is repeated more often than any browser does, and calls no upstream', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, post, authService } = test;
    const junk = Array.from({ length: 8 }, (_, index) => `refresh_token=junk${index}`);
    const refresh = [`refresh_token=${theirs.refresh}`, ...junk, `refresh_token=${mine.refresh}`].join('; ');
    const access = Array.from({ length: 9 }, (_, index) => `access_token=junk${index}`).join('; ');
    for (const cookie of [refresh, `${access}; refresh_token=${mine.refresh}`]) {
      const answer = await post('session.refresh', cookie);
      expect(errorOf(answer).reason).toBe('token_invalid');
      expect(answer.setCookies.map((line) => line.split(';')[0])).toEqual(['access_token=', 'refresh_token=']);
    }
    expect(authService.count()).toBe(0);
  });

  it('is exchanged if the other value does not verify', async () => {
    await using test = await startWithTwo();
    const { mine, post } = test;
    const cookie = `refresh_token=nonsense; refresh_token=${mine.refresh}; refresh_token=${mine.access}`;
    expect(resultOf(await post('session.refresh', cookie))).toEqual(isPerson(123));
  });

  it('is exchanged newest first, then the next one if the Auth Service rejects the first', async () => {
    await using test = await startWithTwo();
    const { mine, clock, authService, post } = test;
    clock.advance(60_000);
    const newer = await authService.issue({ type: 'staff', id: 123 });
    const cookie = `refresh_token=${mine.refresh}; refresh_token=${newer.refresh}`;
    authService.fault('refresh', { kind: 'status', status: 401, body: '{"detail":"Token is blacklisted"}', times: 1 });
    expect(resultOf(await post('session.refresh', cookie))).toEqual(isPerson(123));
    const sent = authService.calls
      .filter(({ endpoint }) => endpoint === 'refresh')
      .map(({ headers }) => headers.cookie);
    expect(sent).toEqual([`refresh_token=${newer.refresh}`, `refresh_token=${mine.refresh}`]);
  });

  it('is not exchanged twice during an outage, and no cookie is cleared', async () => {
    await using test = await startWithTwo();
    const { mine, clock, authService, post } = test;
    clock.advance(60_000);
    const newer = await authService.issue({ type: 'staff', id: 123 });
    authService.fault('refresh', { kind: 'status', status: 503 });
    const answer = await post('session.refresh', `refresh_token=${mine.refresh}; refresh_token=${newer.refresh}`);
    expect(errorOf(answer).reason).toBe('auth_service_unavailable');
    expect(answer.setCookies).toEqual([]);
    expect(authService.count('refresh')).toBe(1);
  });

  it('does not end the session if the newest is rejected and the next cannot be tried', async () => {
    await using test = await startWithTwo();
    const { mine, clock, authService, post } = test;
    clock.advance(60_000);
    const newer = await authService.issue({ type: 'staff', id: 123 });
    await post('session.logout', `refresh_token=${newer.refresh}`);
    authService.fault('refresh', { kind: 'status', status: 503 });
    const answer = await post('session.refresh', `refresh_token=${mine.refresh}; refresh_token=${newer.refresh}`);
    expect(errorOf(answer).reason).toBe('auth_service_unavailable');
    expect(answer.setCookies).toEqual([]);
  });

  it('refreshes the remaining one of two that were issued in the same second', async () => {
    await using test = await startWithTwo();
    const { mine, authService, clock, post } = test;
    const first = await post('session.refresh', `refresh_token=${mine.refresh}`);
    const fresh = /^refresh_token=([^;]+)/.exec(first.setCookies[1] ?? '')?.[1] ?? '';
    // After the 30 s in which the old token returns the result of its exchange.
    clock.advance(31_000);
    const cookie = `refresh_token=${mine.refresh}; refresh_token=${fresh}`;
    expect(resultOf(await post('session.refresh', cookie))).toEqual(isPerson(123));
    expect(authService.count('refresh')).toBe(2);
  });
});

describe('a sign-out', () => {
  it('ends the session of every presented token', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, me, post, app } = test;
    const cookie = `access_token=${mine.access}; access_token=${theirs.access}`;
    const answer = await post('session.logout', cookie);
    expect(resultOf(answer)).toBeNull();
    expect(answer.setCookies.map((line) => line.split(';')[0])).toEqual(['access_token=', 'refresh_token=']);
    expect(app.authService.count('staff-logout')).toBe(2);
    for (const { access } of [mine, theirs]) expect((await me(`access_token=${access}`)).status).toBe(401);
  });
});

describe('sign-in and sign-out expire the other variants of each cookie', () => {
  it.each(['session.login', 'session.logout'])('for this host only, if COOKIE_DOMAIN is set: %s', async (path) => {
    await using test = await startWithTwo({ env: { COOKIE_DOMAIN: 'app.example.org' } });
    const answer = await test.post(path, '', { host }, path === 'session.login' ? login : '{}');
    const others = expiredBy(answer.setCookies).filter((line) => !line.includes('Domain=app.example.org'));
    expect(others).toEqual([
      'access_token=; Path=/',
      `access_token=; Domain=${host}; Path=/`,
      'refresh_token=; Path=/',
      `refresh_token=; Domain=${host}; Path=/`,
    ]);
  });

  it('for the parent domains if a cookie is present, and below /trpc if it is duplicated', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, post } = test;
    const once = await post('session.login', `access_token=${mine.access}`, { host }, login);
    expect(expiredBy(once.setCookies)).toEqual([
      `access_token=; Domain=${host}; Path=/`,
      'access_token=; Domain=app.example.org; Path=/',
      'access_token=; Domain=example.org; Path=/',
      `refresh_token=; Domain=${host}; Path=/`,
    ]);
    const twice = await post(
      'session.login',
      `access_token=${mine.access}; access_token=${theirs.access}`,
      { host },
      login,
    );
    expect(expiredBy(twice.setCookies)).toEqual(
      expect.arrayContaining([
        'access_token=; Domain=example.org; Path=/',
        'access_token=; Path=/trpc',
        'access_token=; Domain=example.org; Path=/trpc/session.login',
      ]),
    );
    // Browsers apply Set-Cookie lines in order, so the new cookies come last.
    expect(twice.setCookies.slice(-3).map((line) => line.split('=')[0])).toEqual([
      'access_token',
      'refresh_token',
      'auth_bff_device',
    ]);
    for (const line of twice.setCookies.slice(-3)) expect(line).not.toMatch(/Max-Age=0|Domain=/);
  });

  it('never for a host that is not a domain name, with any Host header', async () => {
    await using test = await startWithTwo();
    const { mine, post } = test;
    for (const odd of [
      '127.0.0.1',
      '[::1]:4000',
      'localhost:4000',
      'a..b',
      'tts.example.org.',
      `${'a.'.repeat(60)}org`,
    ]) {
      const { setCookies } = await post('session.login', `access_token=${mine.access}`, { host: odd }, login);
      expect(setCookies.length).toBeLessThanOrEqual(9);
      for (const line of setCookies) expect(line).not.toMatch(/Domain=(;|\.|127|\[|localhost|.*\.\.|.*\.;)/);
    }
  });

  it('below /trpc, if a planted cookie makes a call ambiguous, so that the next call works', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, app } = test;
    const cookie = `access_token=${theirs.access}; access_token=${mine.access}`;
    const answer = await askRaw(app.url, { target: '/trpc/session.me', headers: { cookie, host } });
    expect(errorOf(answer).reason).toBe('token_invalid');
    expect(expiredBy(answer.setCookies)).toContain('access_token=; Domain=example.org; Path=/trpc/session.me');
    for (const line of answer.setCookies) expect(line).toMatch(/Path=\/trpc/);
  });
});

describe.each(dialects)(
  'a COOKIE_DOMAIN that changes between sign-ins of one browser, in the %s dialect',
  (dialect) => {
    it('locks no person out: each sign-in is followed by a call of the person who signed in', async () => {
      const jar = new CookieJar(undefined, { allowSpecialUseDomain: true, rejectPublicSuffixes: false });
      const origin = `https://${host}/`;
      await using first = await startWithTwo({ dialect });
      const people = [login, written({ email: 'ingrid.solberg@example.com', password: 'staff-pass-1' })];
      const ids = [123, 6];
      for (const [round, domain] of [
        'app.example.org',
        '',
        'app.example.org',
        'example.org',
        '',
        'app.example.org',
      ].entries()) {
        await using app = await startApp({
          upstream: first.authService,
          now: first.clock.now,
          env: { COOKIE_DOMAIN: domain },
        });
        const send = async (target: string, body?: string) => {
          const cookie = await jar.getCookieString(`${origin}trpc/x`);
          const answer = await askRaw(app.url, {
            target,
            headers: { host, ...(cookie === '' ? {} : { cookie }), ...(body === undefined ? {} : postHeaders) },
            ...(body === undefined ? {} : { method: 'POST', body }),
          });
          for (const line of answer.setCookies) await jar.setCookie(line, `${origin}trpc/x`, { ignoreError: true });
          return answer;
        };
        const who = round % 2;
        expect(resultOf(await send('/trpc/session.login', people[who]))).toMatchObject({ status: 'signed_in' });
        expect(resultOf(await send('/trpc/session.me'))).toEqual(isPerson(ids[who] ?? 0));
        expect(resultOf(await send('/trpc/session.refresh', '{}'))).toEqual(isPerson(ids[who] ?? 0));
        expect(resultOf(await send(queryTarget('users.byId', { json: { id: 1 } })))).toMatchObject({ id: 1 });
        first.clock.advance(10_000);
      }
    });
  },
);
