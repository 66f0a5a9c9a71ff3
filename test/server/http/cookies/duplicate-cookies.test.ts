import { CookieJar } from 'tough-cookie';
import { describe, expect, it } from 'vitest';
import { signInPeople } from '../../../../server/dev/auth-service/people/people.ts';
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

const technician = signInPeople.find(({ shows }) => /guide's example/.test(shows));
const login = written({ email: technician?.email, password: technician?.password });
const host = 'tts.app.example.org';

/** An app, the tokens of two people, and a clock to let them expire. */
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

describe('an access cookie that comes twice', () => {
  it('does not lock a person out where the other value is no token of the Auth Service', async () => {
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

  it('is refused where both are valid, for two people, whichever comes first', async () => {
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

  it('is refused in two Cookie headers, too', async () => {
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

  it('does not let a planted session take over when the person’s own token has just expired', async () => {
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

  it('is answered by the newest token that is valid, where all name one person', async () => {
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

  it('has expired where all of one person’s have, and a refresh may help', async () => {
    await using test = await startWithTwo();
    const { mine, me, clock, authService, current } = test;
    const other = await authService.issue({ type: 'staff', id: 123 }, { extra: 1 });
    clock.advance(900_000);
    const cookie = `access_token=${mine.access}; access_token=${other.access}`;
    expect(errorOf(await me(cookie)).reason).toBe('token_expired');
    expect(await current(cookie)).toEqual({ state: 'signed_out' });
    expect(await current(`${cookie}; refresh_token=${mine.refresh}`)).toEqual({ state: 'expired' });
  });

  it('is not made up for by a Bearer token', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, me } = test;
    const cookie = `access_token=${mine.access}; access_token=${theirs.access}`;
    expect(errorOf(await me(cookie, { authorization: `Bearer ${mine.access}` })).reason).toBe('token_invalid');
  });

  it('is as good as one where its values are the same, or the other is empty', async () => {
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

  it('is refused where it comes more often than any browser sends it, so that none hides behind the others', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, me } = test;
    const junk = Array.from({ length: 8 }, (_, index) => `access_token=junk${index}`);
    const cookie = [`access_token=${theirs.access}`, ...junk, `access_token=${mine.access}`].join('; ');
    expect(errorOf(await me(cookie)).reason).toBe('token_invalid');
  });

  it('counts for its person’s rate limit', async () => {
    await using test = await startWithTwo({ env: { RATE_LIMIT_PER_MINUTE: '2' } });
    const { mine, me } = test;
    const cookie = `access_token=nonsense; access_token=${mine.access}`;
    expect([(await me(cookie)).status, (await me(cookie)).status, (await me(cookie)).status]).toEqual([200, 200, 429]);
    expect((await me('')).status).toBe(401);
  });

  it('is judged by the Auth Service with remote validation', async () => {
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

describe('an access cookie that comes twice, with remote validation', () => {
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

describe('a refresh cookie that comes twice', () => {
  it('does not matter to a call that refreshes nothing', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, me } = test;
    const cookie = `access_token=${mine.access}; refresh_token=${mine.refresh}; refresh_token=${theirs.refresh}`;
    expect(resultOf(await me(cookie))).toEqual(isPerson(123));
  });

  it('is refused for two people, clears all cookies and asks nobody', async () => {
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

  it('is refused where it comes more often than any browser sends it, and asks nobody', async () => {
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

  it('is exchanged where the other value does not verify', async () => {
    await using test = await startWithTwo();
    const { mine, post } = test;
    const cookie = `refresh_token=nonsense; refresh_token=${mine.refresh}; refresh_token=${mine.access}`;
    expect(resultOf(await post('session.refresh', cookie))).toEqual(isPerson(123));
  });

  it('is exchanged newest first, and then the next one where that is refused for good', async () => {
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

  it('is not exchanged a second time where the Auth Service is down, and clears nothing', async () => {
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

  it('is no sign-out where the newest is refused and the next cannot be tried', async () => {
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

  it('refreshes whichever of two is left, where both were issued in the same second', async () => {
    await using test = await startWithTwo();
    const { mine, authService, clock, post } = test;
    const first = await post('session.refresh', `refresh_token=${mine.refresh}`);
    const fresh = /^refresh_token=([^;]+)/.exec(first.setCookies[1] ?? '')?.[1] ?? '';
    // Past the 30 s in which the old token is answered with the result of its exchange.
    clock.advance(31_000);
    const cookie = `refresh_token=${mine.refresh}; refresh_token=${fresh}`;
    expect(resultOf(await post('session.refresh', cookie))).toEqual(isPerson(123));
    expect(authService.count('refresh')).toBe(2);
  });
});

describe('a sign-out', () => {
  it('ends every session whose token came along', async () => {
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
  it.each(['session.login', 'session.logout'])('for this host alone, where COOKIE_DOMAIN is set: %s', async (path) => {
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

  it('for the parent domains, where a cookie came along, and below /trpc, where it came twice', async () => {
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
    // Browsers take the lines in their order: the new cookies come last.
    expect(twice.setCookies.slice(-3).map((line) => line.split('=')[0])).toEqual([
      'access_token',
      'refresh_token',
      'auth_bff_device',
    ]);
    for (const line of twice.setCookies.slice(-3)) expect(line).not.toMatch(/Max-Age=0|Domain=/);
  });

  it('never for a host that is no domain name, whatever the Host header holds', async () => {
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

  it('below /trpc, where a planted cookie makes a call ambiguous, so that it is not so for ever', async () => {
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
  'COOKIE_DOMAIN that changes between sign-ins of one browser, before the %s service',
  (dialect) => {
    it('keeps nobody out: each sign-in is followed by a call of the person who signed in', async () => {
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
