import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { johnsCredentials } from '../../../support/app/people.ts';
import { createRawConnection, type RawConnection } from '../../../support/app/raw-connection.ts';
import {
  errorOf,
  postHeaders,
  type RawAnswer,
  type RawRequest,
  resultOf,
  sendLines,
  written,
} from '../../../support/app/raw-request.ts';
import { createClock, startApp, type TestApp } from '../../../support/app/start-app.ts';

const mutations = ['session.login', 'session.logout', 'session.refresh'];
const body = written(johnsCredentials);

// The tests of rejected requests share an app and a connection, because none of them may change anything in the app.
const clock = createClock();
let shared: TestApp;
let connection: RawConnection;
beforeAll(async () => {
  shared = await startApp({ now: clock.now, env: { RATE_LIMIT_PER_MINUTE: '0' } });
  connection = createRawConnection(shared.url);
});
// Tokens without a jti that are issued within the same second are identical.
beforeEach(() => clock.advance(1_000));
afterAll(async () => {
  connection.close();
  await shared[Symbol.asyncDispose]();
});

/** The connection to each app that is not shared. An app closes its connection when it ends. */
const connections = new WeakMap<TestApp, RawConnection>();
const connectionTo = (app: TestApp): RawConnection => {
  const kept = app === shared ? connection : (connections.get(app) ?? createRawConnection(app.url));
  connections.set(app, kept);
  return kept;
};
const ask = (app: TestApp, request: RawRequest) => connectionTo(app).ask(request);

/** The shared app, and the cookies of a person. */
const signIn = async () => {
  shared.authService.resetCalls();
  const tokens = await shared.authService.issue({ type: 'staff', id: 123 });
  const cookie = `access_token=${tokens.access}; refresh_token=${tokens.refresh}`;
  return { app: shared, cookie, host: new URL(shared.url).host };
};

/** Asserts that no cookie was set or cleared, no upstream call was made, and the session is still valid. */
const expectNothingDone = async (app: TestApp, cookie: string, answers: RawAnswer[]) => {
  expect(answers.flatMap(({ setCookies }) => setCookies)).toEqual([]);
  expect(app.authService.count()).toBe(0);
  const me = await ask(app, { target: '/trpc/session.me', headers: { cookie } });
  expect(resultOf(me)).toMatchObject({ user: { id: 123 } });
};

const formTypes: Array<[string, string | undefined]> = [
  ['a URL-encoded form', 'application/x-www-form-urlencoded'],
  ['a multipart form', 'multipart/form-data; boundary=x'],
  ['a multipart form in another case', 'MULTIPART/FORM-DATA; boundary=x'],
  ['a multipart form that says JSON', 'multipart/form-data; application/json'],
  ['a multipart form with a boundary of JSON', 'multipart/form-data; boundary=application/json'],
  ['plain text', 'text/plain'],
  ['plain text that says JSON', 'text/plain; application/json'],
  ['plain text with JSON as its charset', 'text/plain; charset=application/json'],
  ['two types, JSON first', 'application/json, text/plain'],
  ['two types, JSON last', 'text/plain, application/json'],
  ['a type that begins like JSON', 'application/jsonx'],
  ['a JSON suffix', 'application/ld+json'],
  ['JSON of another name', 'text/json'],
  ['JSON lines', 'application/jsonl'],
  ['bytes', 'application/octet-stream'],
  ['an empty type', ''],
  ['no type at all', undefined],
];
const typeHeader = (type: string | undefined) => (type === undefined ? {} : { 'content-type': type });
const bodyOf = (type: string | undefined) =>
  /^multipart/i.test(type ?? '') ? `--x\r\ncontent-disposition: form-data; name="0"\r\n\r\n${body}\r\n--x--\r\n` : body;

describe.each(mutations)('a cross-site form that posts to %s', (mutation) => {
  it.each(formTypes)('is rejected with %s, without side effects', async (_name, type) => {
    const { app, cookie } = await signIn();
    const answers: RawAnswer[] = [];
    for (const [site, search] of [
      ['cross-site', ''],
      ['same-site', '?batch=1'],
      ['same-origin', ''],
      [undefined, ''],
      [undefined, '?batch=1'],
      [undefined, '?input=%7B%22json%22%3Anull%7D'],
    ] as const) {
      const from: Record<string, string> = site === undefined ? {} : { 'sec-fetch-site': site };
      const target = `/trpc/${mutation}${search}`;
      const headers = { ...typeHeader(type), ...from, cookie };
      const answer = await ask(app, { method: 'POST', target, headers, body: bodyOf(type) });
      const reason = site === 'cross-site' || site === 'same-site' ? 'csrf' : 'unsupported_media_type';
      expect(errorOf(answer)).toMatchObject({ reason });
      answers.push(answer);
    }
    await expectNothingDone(app, cookie, answers);
  });

  it('is rejected without the x-csrf header even as JSON, and with any other value of the header', async () => {
    const { app, cookie } = await signIn();
    const answers: RawAnswer[] = [];
    for (const value of [undefined, '', '0', '11', 'true', '1, 1', ['1', '1']]) {
      const headers = {
        'content-type': 'application/json',
        cookie,
        ...(value === undefined ? {} : { 'x-csrf': value }),
      };
      const answer = await ask(app, { method: 'POST', target: `/trpc/${mutation}`, headers, body });
      expect(errorOf(answer)).toMatchObject({
        code: 'FORBIDDEN',
        reason: 'csrf',
        message: expect.stringMatching('x-csrf: 1'),
      });
      answers.push(answer);
    }
    await expectNothingDone(app, cookie, answers);
  });

  it('has no effect by GET, in any disguise', async () => {
    const { app, cookie } = await signIn();
    const input = encodeURIComponent(body);
    const answers: RawAnswer[] = [];
    for (const search of [
      '',
      `?input=${input}`,
      `?batch=1&input=${encodeURIComponent(`{"0":${body}}`)}`,
      `?_method=POST&input=${input}`,
      `?type=mutation&input=${input}`,
    ]) {
      for (const dress of [
        {},
        { 'x-http-method-override': 'POST' },
        { 'x-http-method': 'POST', 'x-method-override': 'POST' },
        postHeaders,
        { 'content-type': 'multipart/form-data; boundary=x' },
        { 'content-type': 'application/octet-stream' },
      ]) {
        const answer = await ask(app, { target: `/trpc/${mutation}${search}`, headers: { cookie, ...dress } });
        expect({ search, dress, status: answer.status }).toEqual({ search, dress, status: 405 });
        expect(answer.body).toContain('"reason":"method_not_allowed"');
        answers.push(answer);
      }
    }
    await expectNothingDone(app, cookie, answers);
  });
});

describe('the URL in a cross-site form', () => {
  const disguises: Array<[string, (host: string) => string]> = [
    ['unchanged', () => '/trpc/session.logout'],
    ['with an encoded letter', () => '/%74rpc/session.logout'],
    ['with every letter encoded', () => '/%74%72%70%63/session.logout'],
    ['with an encoded dot', () => '/trpc/session%2Elogout'],
    ['with an encoded slash', () => '/trpc%2Fsession.logout'],
    ['with a slash encoded twice', () => '/trpc%252Fsession.logout'],
    ['with two slashes before', () => '//trpc/session.logout'],
    ['with two slashes within', () => '/trpc//session.logout'],
    ['with a slash behind', () => '/trpc/session.logout/'],
    ['with a backslash', () => '/trpc\\session.logout'],
    ['with a dot segment', () => '/./trpc/session.logout'],
    ['with two dots', () => '/health/../trpc/session.logout'],
    ['with encoded dots', () => '/health/%2e%2e/trpc/session.logout'],
    ['in capitals', () => '/TRPC/session.logout'],
    ['with a path parameter', () => '/trpc;a=b/session.logout'],
    ['as a whole address', (host) => `http://${host}/trpc/session.logout`],
    ['as a whole address with an encoded letter', (host) => `http://${host}/%74rpc/session.logout`],
    ['as a whole address of another host', () => 'http://evil.example/trpc/session.logout'],
    ['as a whole address of another scheme', (host) => `https://${host}/trpc/session.logout`],
  ];
  it.each(disguises)('has no effect %s', async (_name, toTarget) => {
    const { app, cookie, host } = await signIn();
    const answers: RawAnswer[] = [];
    for (const from of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }, {}]) {
      const headers = { 'content-type': 'multipart/form-data; boundary=x', cookie, ...from };
      const answer = await ask(app, { method: 'POST', target: toTarget(host), headers, body: '--x--\r\n' });
      expect(errorOf(answer).reason).toMatch(/^(csrf|unsupported_media_type|no_such_procedure)$/);
      answers.push(answer);
    }
    await expectNothingDone(app, cookie, answers);
    const query = toTarget(host).replace('logout', 'me');
    const read = await ask(app, { target: query, headers: { cookie, 'sec-fetch-site': 'cross-site' } });
    expect(errorOf(read).reason).toMatch(/^(csrf|no_such_procedure)$/);
  });
});

describe('the origin of a request', () => {
  /** The outcome of a query and a mutation, which must be the same. */
  const reasonFor = async (app: TestApp, headers: Record<string, string | string[]>): Promise<string> => {
    const query = await ask(app, { target: '/trpc/status.get', headers });
    const mutation = await ask(app, {
      method: 'POST',
      target: '/trpc/session.logout',
      headers: { ...postHeaders, ...headers },
      body: '{}',
    });
    const reason = query.status === 200 ? 'none' : errorOf(query).reason;
    expect(mutation.status === 200 ? 'none' : errorOf(mutation).reason).toBe(reason);
    if (reason !== 'none') expect(mutation.setCookies).toEqual([]);
    return reason;
  };

  it.each([
    ['same-origin', 'none'],
    ['none', 'none'],
    ['same-site', 'csrf'],
    ['cross-site', 'csrf'],
    ['', 'csrf'],
    ['Same-Origin', 'csrf'],
    ['same-origin, cross-site', 'csrf'],
    ['a-value-to-come', 'csrf'],
  ])('is taken from Sec-Fetch-Site: %j', async (site, reason) => {
    const app = shared;
    expect(await reasonFor(app, { 'sec-fetch-site': site })).toBe(reason);
    // Sec-Fetch-Site takes precedence over Origin, which a same-origin request may lack.
    expect(await reasonFor(app, { 'sec-fetch-site': site, origin: app.url })).toBe(reason);
  });

  it.each([
    ['no Origin', 'bff.example', undefined, 'none'],
    ['the same host', 'bff.example', 'http://bff.example', 'none'],
    ['the same host by another scheme, as behind a proxy that ends TLS', 'bff.example', 'https://bff.example', 'none'],
    ['the same host and port', 'bff.example:4000', 'http://bff.example:4000', 'none'],
    ['the same host in another case', 'BFF.Example', 'http://bff.example', 'none'],
    ['the default port of http, spelled out', 'bff.example:80', 'http://bff.example', 'none'],
    ['the default port of https, spelled out', 'bff.example:443', 'https://bff.example', 'none'],
    ['the same IPv6 address', '[::1]:4000', 'http://[::1]:4000', 'none'],
    ['the same IPv6 address, written longer', '[0:0:0:0:0:0:0:1]:4000', 'http://[::1]:4000', 'none'],
    ['another IPv6 address', '[::1]:4000', 'http://[::2]:4000', 'csrf'],
    ['another host', 'bff.example', 'https://evil.example', 'csrf'],
    ['another port', 'bff.example:4000', 'http://bff.example:4001', 'csrf'],
    ['no port, though the Host has one', 'bff.example:4000', 'http://bff.example', 'csrf'],
    ['the default port of another scheme', 'bff.example:443', 'http://bff.example', 'csrf'],
    ['a subdomain', 'bff.example', 'https://a.bff.example', 'csrf'],
    ['the parent domain', 'a.bff.example', 'https://bff.example', 'csrf'],
    ['a host that ends in ours', 'bff.example', 'https://evil-bff.example', 'csrf'],
    ['a host that begins with ours', 'bff.example', 'https://bff.example.evil.example', 'csrf'],
    ['our host as a user name', 'bff.example', 'https://bff.example@evil.example', 'csrf'],
    ['an opaque origin', 'bff.example', 'null', 'csrf'],
    ['an opaque origin on a host called null', 'null', 'null', 'csrf'],
    ['an empty Origin', 'bff.example', '', 'csrf'],
    ['a host without a scheme', 'bff.example', 'bff.example', 'csrf'],
    ['a local file', 'bff.example', 'file://', 'csrf'],
    ['an extension', 'bff.example', 'chrome-extension://abcdefgh', 'csrf'],
    ['two origins', 'bff.example', 'http://bff.example http://evil.example', 'csrf'],
  ])('is taken from Origin if Sec-Fetch-Site is missing: %s', async (_name, host, origin, reason) => {
    const app = shared;
    expect(await reasonFor(app, { host, ...(origin === undefined ? {} : { origin }) })).toBe(reason);
  });

  it.each<[name: string, headers: Record<string, string>, message: RegExp]>([
    [
      'a proxy has replaced the Host header',
      { host: 'localhost:4000', origin: 'http://192.168.7.7:5173' },
      /origin http:\/\/192\.168\.7\.7:5173 of the page .* host localhost:4000 of the request\. .*changeOrigin: false/,
    ],
    [
      'a mobile web view has an origin of its own',
      { host: 'bff.example', origin: 'capacitor://localhost' },
      /origin capacitor:\/\/localhost of the page/,
    ],
    [
      'the browser says that the page is of another origin',
      { 'sec-fetch-site': 'same-site', origin: 'https://tts.example.org' },
      /^Refused: the origin https:\/\/tts\.example\.org of the page is not in CORS_ORIGINS\.$/,
    ],
    ['the page hides its origin', { 'sec-fetch-site': 'cross-site', origin: 'null' }, /origin null of the page/],
    ['there is no Origin', { 'sec-fetch-site': 'cross-site' }, /a page of another site\.$/],
    [
      'Origin contains more than an origin',
      { host: 'bff.example', origin: 'http://ann:secret@evil.example/secret?a=secret' },
      /^(?=.*origin http:\/\/evil\.example of the page)(?!.*secret)/,
    ],
  ])('is named in the message of the rejection, with the remedy: %s', async (_name, headers, message) => {
    const answer = await ask(shared, { target: '/trpc/status.get', headers });
    expect(errorOf(answer)).toMatchObject({ reason: 'csrf', message: expect.stringMatching(message) });
  });

  it('is rejected with two Origin headers, even if one is the own origin', async () => {
    const app = shared;
    const { host } = new URL(app.url);
    for (const origins of [
      [app.url, 'http://evil.example'],
      ['http://evil.example', app.url],
    ]) {
      expect(await reasonFor(app, { host, origin: origins })).toBe('csrf');
    }
  });

  it('is rejected with an Origin if an HTTP/1.0 request has no Host', async () => {
    const app = shared;
    for (const origin of ['http://evil.example', 'null', 'file://', '']) {
      const asked = ['GET /trpc/status.get HTTP/1.0', `origin: ${origin}`, '', ''];
      expect(errorOf(await sendLines(app.url, asked)).reason).toBe('csrf');
    }
  });

  it.each([
    ['without TRUST_PROXY', {}, 'csrf'],
    ['with TRUST_PROXY=false', { TRUST_PROXY: 'false' }, 'csrf'],
    ['with no proxy trusted', { TRUST_PROXY: '0' }, 'csrf'],
    ['with another proxy trusted', { TRUST_PROXY: '10.0.0.0/8' }, 'csrf'],
    ['with one proxy trusted', { TRUST_PROXY: '1' }, 'none'],
    ['with this proxy trusted', { TRUST_PROXY: '127.0.0.0/8' }, 'none'],
    ['with TRUST_PROXY=true', { TRUST_PROXY: 'true' }, 'none'],
  ])('is compared with X-Forwarded-Host only from a trusted proxy: %s', async (_name, env, reason) => {
    await using app = await startApp({ env });
    const forwarded = { host: 'inner:4000', 'x-forwarded-host': 'bff.example', origin: 'https://bff.example' };
    expect(await reasonFor(app, forwarded)).toBe(reason);
    expect(await reasonFor(app, { ...forwarded, origin: 'https://evil.example' })).toBe('csrf');
    // The trusted proxy appends the last entry; a client controls the entries before it.
    expect(await reasonFor(app, { ...forwarded, 'x-forwarded-host': 'bff.example, other.example' })).toBe('csrf');
  });

  it('is accepted for the origins in CORS_ORIGINS, and for no others', async () => {
    await using app = await startApp({ env: { CORS_ORIGINS: 'https://tts.example.org, http://localhost:3000' } });
    for (const site of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, {}]) {
      for (const [origin, reason] of [
        ['https://tts.example.org', 'none'],
        ['http://localhost:3000', 'none'],
        ['http://tts.example.org', 'csrf'],
        ['https://tts.example.org:8443', 'csrf'],
        ['https://tts.example.org/', 'csrf'],
        ['https://TTS.example.org', 'csrf'],
        ['https://tts.example.org.evil.example', 'csrf'],
        ['https://a.tts.example.org', 'csrf'],
        ['http://localhost', 'csrf'],
        ['null', 'csrf'],
      ] as const) {
        expect({ origin, reason: await reasonFor(app, { ...site, origin }) }).toEqual({ origin, reason });
      }
    }
    expect(await reasonFor(app, { 'sec-fetch-site': 'cross-site' })).toBe('csrf');
  });

  it('of CORS_ORIGINS still needs the JSON type and the x-csrf header', async () => {
    await using app = await startApp({ env: { CORS_ORIGINS: 'https://tts.example.org' } });
    const from = { 'sec-fetch-site': 'cross-site', origin: 'https://tts.example.org' };
    const post = (headers: Record<string, string>) =>
      ask(app, { method: 'POST', target: '/trpc/session.logout', headers: { ...from, ...headers }, body: '{}' });
    expect(errorOf(await post({ 'content-type': 'text/plain', 'x-csrf': '1' })).reason).toBe('unsupported_media_type');
    expect(errorOf(await post({ 'content-type': 'application/json' })).reason).toBe('csrf');
    expect(resultOf(await post(postHeaders))).toBeNull();
  });

  it('is not checked for the health routes', async () => {
    const app = shared;
    const answer = await ask(app, { target: '/health/live', headers: { 'sec-fetch-site': 'cross-site' } });
    expect(answer.status).toBe(200);
  });
});

it.each(['application/json', 'application/json; charset=utf-8', 'application/json;charset=utf-8', 'Application/JSON'])(
  'accepts a POST of %s with the x-csrf header',
  async (type) => {
    const app = shared;
    const headers = { ...postHeaders, 'content-type': type };
    const answer = await ask(app, { method: 'POST', target: '/trpc/session.login', headers, body });
    expect(resultOf(answer)).toMatchObject({ status: 'signed_in' });
    expect(answer.setCookies.map((line) => line.split('=', 1)[0])).toEqual([
      'access_token',
      'refresh_token',
      'auth_bff_device',
    ]);
  },
);
