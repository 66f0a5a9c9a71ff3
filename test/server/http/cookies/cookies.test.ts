import { describe, expect, it } from 'vitest';
import { johnsCredentials } from '../../../support/app/people.ts';
import { askRaw, errorOf, postHeaders, queryTarget, resultOf, written } from '../../../support/app/raw-request.ts';
import { dialects, startApp, type StartAppOptions } from '../../../support/app/start-app.ts';

const login = written(johnsCredentials);

/** An app, and the tokens of two people. */
const startWithTwo = async (options: StartAppOptions = {}) => {
  const app = await startApp(options);
  const mine = await app.authService.issue({ type: 'staff', id: 123 });
  const theirs = await app.authService.issue({ type: 'staff', id: 6 });
  const me = (headers: Record<string, string | string[]>) => askRaw(app.url, { target: '/trpc/session.me', headers });
  const post = (path: string, headers: Record<string, string | string[]> = {}, body = '{}') =>
    askRaw(app.url, { method: 'POST', target: `/trpc/${path}`, headers: { ...postHeaders, ...headers }, body });
  return { app, mine, theirs, me, post, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};

const isPerson = (id: number) => expect.objectContaining({ user: expect.objectContaining({ id }) }) as unknown;

describe('a Bearer token', () => {
  it.each([
    ['no Cookie header', undefined],
    ['an empty Cookie header', ''],
    ['other cookies', 'sessionid=abc; csrftoken=def'],
    ['an empty access cookie', 'access_token='],
    ['an access cookie that was deleted', 'access_token=""'],
    ['an access cookie of spaces', 'access_token=   ; a=b'],
    ['a refresh cookie alone', 'refresh_token=nonsense'],
    ['a cookie whose name is longer', 'xaccess_token=nonsense; access_token2=nonsense'],
    ['a cookie whose name is in capitals', 'ACCESS_TOKEN=nonsense'],
  ])('is used with %s', async (_name, cookie) => {
    await using test = await startWithTwo();
    const { theirs, me } = test;
    const headers = { authorization: `Bearer ${theirs.access}`, ...(cookie === undefined ? {} : { cookie }) };
    expect(resultOf(await me(headers))).toEqual(isPerson(6));
  });

  it('is ignored if there is an access cookie, valid or not', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, me } = test;
    const authorization = `Bearer ${theirs.access}`;
    expect(resultOf(await me({ authorization, cookie: `access_token=${mine.access}` }))).toEqual(isPerson(123));
    for (const value of ['nonsense', '0', 'null', 'undefined', '=', `${theirs.access}x`]) {
      expect(errorOf(await me({ authorization, cookie: `access_token=${value}` })).reason).toBe('token_invalid');
    }
  });

  it('may have its scheme in any case, and several spaces after it', async () => {
    await using test = await startWithTwo();
    const { theirs, me } = test;
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR', 'Bearer  ', ' Bearer']) {
      expect(resultOf(await me({ authorization: `${scheme} ${theirs.access}` }))).toEqual(isPerson(6));
    }
  });

  it.each(['Basic', 'Token', 'JWT', 'Bearer:', 'Bearer,', 'XBearer', ''])(
    'needs the scheme Bearer, not %j',
    async (scheme) => {
      await using test = await startWithTwo();
      const { theirs, me } = test;
      expect(errorOf(await me({ authorization: `${scheme} ${theirs.access}` })).reason).toBe('no_token');
    },
  );

  it('is missing if there is only the scheme', async () => {
    await using test = await startWithTwo();
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer\t']) {
      expect(errorOf(await test.me({ authorization })).reason).toBe('no_token');
    }
  });

  it('is rejected if two tokens follow the scheme', async () => {
    await using test = await startWithTwo();
    const { mine, theirs, me } = test;
    for (const two of [`${theirs.access} ${mine.access}`, `${theirs.access}, ${mine.access}`, `${theirs.access},`]) {
      expect(errorOf(await me({ authorization: `Bearer ${two}` })).reason).toBe('token_invalid');
    }
  });

  it('replaces only the access cookie, and cannot be refreshed', async () => {
    await using test = await startWithTwo();
    const { theirs, post, app } = test;
    const answer = await post('session.refresh', { authorization: `Bearer ${theirs.refresh}` });
    expect(errorOf(answer).httpStatus).toBe(401);
    expect(answer.setCookies).toEqual([]);
    expect(app.authService.count()).toBe(0);
  });
});

/** The attributes of a Set-Cookie line, without its value and lifetime. */
const attributesOf = (line: string) =>
  line
    .split('; ')
    .slice(1)
    .filter((attribute) => !/^(Max-Age|Expires)=/.test(attribute))
    .toSorted();

describe('the session cookies', () => {
  it.each([
    ['by default', {}, ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']],
    ['with COOKIE_SECURE=false', { COOKIE_SECURE: 'false' }, ['HttpOnly', 'Path=/', 'SameSite=Lax']],
    [
      'with COOKIE_DOMAIN',
      { COOKIE_DOMAIN: 'example.org' },
      ['Domain=example.org', 'HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'],
    ],
    [
      'with both',
      { COOKIE_DOMAIN: '.example.org', COOKIE_SECURE: 'false' },
      ['Domain=example.org', 'HttpOnly', 'Path=/', 'SameSite=Lax'],
    ],
  ])('are set, replaced and cleared with the same attributes %s', async (_name, env, attributes) => {
    await using test = await startWithTwo({ env });
    const { mine, post } = test;
    const cookie = `access_token=${mine.access}; refresh_token=${mine.refresh}`;
    const signedIn = await post('session.login', {}, login);
    const refreshed = await post('session.refresh', { cookie });
    const signedOut = await post('session.logout', { cookie });
    // With COOKIE_DOMAIN, extra lines expire the earlier host-only cookies.
    const isOwn = (line: string) => line.includes('Domain=') === 'COOKIE_DOMAIN' in env;
    const isSession = (line: string) => !line.startsWith('auth_bff_device=');
    const own = (answer: { setCookies: string[] }) => answer.setCookies.filter(isSession).filter(isOwn);
    expect(own(signedIn).map((line) => line.split('=')[0])).toEqual(['access_token', 'refresh_token']);
    expect(own(refreshed).map((line) => line.split('=')[0])).toContain('access_token');
    expect(own(signedOut).map((line) => line.split(';')[0])).toEqual(['access_token=', 'refresh_token=']);
    for (const line of [...own(signedIn), ...own(refreshed), ...own(signedOut)]) {
      expect(attributesOf(line)).toEqual(attributes);
    }
    const expires = /; (Max-Age=0|Expires=Thu, 01 Jan 1970 00:00:00 GMT)(;|$)/;
    for (const line of own(signedIn)) expect(line).toMatch(/; Max-Age=[1-9]\d*(;|$)/);
    for (const line of own(signedOut)) expect(line).toMatch(expires);
    for (const { setCookies } of [signedIn, refreshed, signedOut]) {
      for (const line of setCookies.filter(isSession).filter((one) => !isOwn(one))) expect(line).toMatch(expires);
    }
  });

  it.each(dialects)('live as long as the session can be refreshed, in the %s dialect', async (dialect) => {
    await using test = await startWithTwo({ dialect });
    const { mine, post } = test;
    const [access, refresh] = (await post('session.login', {}, login)).setCookies;
    // The access cookie outlives its token, because it still identifies the session.
    expect(access).toMatch(/; Max-Age=604800(;|$)/);
    expect(refresh).toMatch(/; Max-Age=604800(;|$)/);
    const cookie = `access_token=${mine.access}; refresh_token=${mine.refresh}`;
    const [refreshed] = (await post('session.refresh', { cookie })).setCookies;
    expect(refreshed).toMatch(/^access_token=.*; Max-Age=604800(;|$)/);
  });

  it('are cleared even if the request had none', async () => {
    await using test = await startWithTwo();
    const answer = await test.post('session.logout');
    expect(resultOf(answer)).toBeNull();
    expect(answer.setCookies).toHaveLength(2);
    expect(test.app.authService.count()).toBe(0);
  });

  it('are kept after every failure that does not end the session', async () => {
    await using test = await startWithTwo();
    const { mine, me, post, app } = test;
    const cookie = `access_token=${mine.access}; refresh_token=${mine.refresh}`;
    app.authService.fault('*', { kind: 'status', status: 503 });
    const answers = [
      await post('session.refresh', { cookie }),
      await post('session.login', { cookie }, written({ email: 'x', password: 'y' })),
      await post('session.verifyOtp', { cookie }, written({ challenge: 'x', code: '123456' })),
      await me({ cookie: 'access_token=nonsense' }),
      await post('no.such', { cookie }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.setCookies).toEqual([]);
    }
  });
});

describe.each(dialects)('requests to the %s Auth Service', (dialect) => {
  const baggage = [
    'sessionid=the-session-of-django',
    'csrftoken=the-token-of-django',
    '_ga=GA1.2.3',
    'access_token_old=eyJ.old.one',
    'refresh_tokens=several',
  ];
  const others = {
    'x-api-key': 'of-the-browser',
    'x-forwarded-for': '6.6.6.6',
    referer: 'https://tts.example.org/',
    'x-custom': 'of-the-browser',
    'user-agent': 'a browser',
  };

  /** The names of the cookies that an endpoint may receive. */
  const cookiesOf = (endpoint: string): RegExp => {
    if (/login|^employee$/.test(endpoint)) return /^$/;
    if (/refresh|logout/.test(endpoint)) return /^(access_token; )?refresh_token$/;
    return /^access_token$/;
  };

  it('carry at most the two token cookies and nothing else of the browser', async () => {
    await using test = await startWithTwo({ dialect });
    const { mine, theirs, post, app } = test;
    const cookie = [
      baggage[0],
      `access_token=${mine.access}`,
      baggage[1],
      `refresh_token=${mine.refresh}`,
      ...baggage.slice(2),
    ].join('; ');
    const headers = { cookie, authorization: `Bearer ${theirs.access}`, ...others };
    for (const [path, input] of [
      ['users.byId', { json: { id: 1 } }],
      ['users.byIds', { json: { ids: [1, 2] } }],
      ['users.byRole', { json: { system: 'TTS', role: 'Technician' } }],
      ['users.me', undefined],
      ['session.validate', undefined],
      ['employees.byId', { json: { id: 3 } }],
    ] as const) {
      await askRaw(app.url, { target: queryTarget(path, input), headers });
    }
    await post('session.refresh', headers);
    await post('session.logout', headers);
    await post('session.login', headers, login);

    expect(app.authService.count()).toBeGreaterThanOrEqual(7);
    for (const { headers: sent, endpoint } of app.authService.calls) {
      const sentCookies = String(sent.cookie ?? '').replaceAll(/=[^;]*/g, '');
      expect({ endpoint, sentCookies }).toEqual({ endpoint, sentCookies: expect.stringMatching(cookiesOf(endpoint)) });
      expect(Object.keys(sent)).not.toContain('authorization');
      expect(JSON.stringify(sent)).not.toContain(theirs.access);
      // Three letters are found by chance in a signature.
      const besideTokens = JSON.stringify(sent).replaceAll(mine.access, '').replaceAll(mine.refresh, '');
      expect(besideTokens).not.toMatch(/django|of-the-browser|6\.6\.6\.6|tts\.example\.org|a browser|GA1/);
    }
  });

  it('carry the Bearer token as a cookie if it is the token in use', async () => {
    await using test = await startWithTwo({ dialect });
    const { theirs, app } = test;
    const headers = { authorization: `Bearer ${theirs.access}`, cookie: baggage.join('; ') };
    await askRaw(app.url, { target: queryTarget('users.byId', { json: { id: 1 } }), headers });
    expect(app.authService.calls.length).toBeGreaterThan(0);
    for (const { headers: sent } of app.authService.calls) {
      expect(sent.cookie).toBe(`access_token=${theirs.access}`);
      expect(sent.authorization).toBeUndefined();
    }
  });

  it('carry no rejected token', async () => {
    await using test = await startWithTwo({ dialect });
    const { mine, me, post, app } = test;
    const cookie = `access_token=${mine.access}x; refresh_token=${mine.refresh}x`;
    expect(errorOf(await me({ cookie })).reason).toBe('token_invalid');
    expect(resultOf(await askRaw(app.url, { target: '/trpc/session.validate', headers: { cookie } }))).toEqual({
      valid: false,
    });
    await post('session.refresh', { cookie });
    await post('session.logout', { cookie });
    expect(app.authService.count()).toBe(0);
  });
});
