import { describe, expect, it, vi } from 'vitest';
import { signInPeople } from '../../../server/dev/auth-service/people/people.ts';
import { createAudit } from '../../../server/src/platform/audit.ts';
import { createKeyHasher } from '../../../server/src/platform/key-hasher.ts';
import { toNetwork } from '../../../server/src/platform/ip-address.ts';
import { createLog } from '../../../server/src/platform/log.ts';
import { type Browser, reasonOf } from '../../support/app/browser.ts';
import { holdEndpoint } from '../../support/auth-service/hold-endpoint.ts';
import { openConnection } from '../../support/app/open-connection.ts';
import { askRaw, postHeaders, queryTarget, written } from '../../support/app/raw-request.ts';
import { createClock, dialects, startApp, type StartAppOptions, type TestApp } from '../../support/app/start-app.ts';
import { staffToken } from '../../support/token/tokens.ts';
import { answerWithTokens } from '../../support/auth-service/answer-with-tokens.ts';

const person = (shows: RegExp) => {
  const found = signInPeople.find((one) => shows.test(one.shows));
  if (found === undefined) throw new Error(`No seeded person matches: ${shows}`);
  return { email: found.email, password: found.password, as: found.as };
};
const technician = person(/^TTS technician/);
const employee = person(/^Employee: /);
const secondFactor = person(/^Second factor/);
const wrong = { ...technician, password: 'wrong-pass-1' };
const unknownKey = 'a-key-that-is-not-the-one-of-the-auth-service!!';

/** The fields that every audit line of a request has. */
const always = {
  level: 30,
  time: expect.any(String),
  network: '127.0.0.1',
  requestId: expect.stringMatching(/^[\w-]+$/),
  msg: 'audit',
};
const account = expect.stringMatching(/^[\da-f]{32}$/);

const auditOf = ({ logLines }: TestApp) => logLines.filter(({ audit }) => audit !== undefined);
const eventsOf = (app: TestApp) => auditOf(app).map(({ audit }) => audit);

/** An app, clocks that stand still until a test advances them, and a count of its requests. */
const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, monotonicNow: clock.now, ...options });
  const browserOf = (tokens: { access?: string; refresh?: string }): Browser => {
    const browser = app.browser();
    browser.holdTokens(tokens);
    return browser;
  };
  return {
    app,
    clock,
    browserOf,
    issue: app.authService.issue,
    signIn: (credentials: typeof technician) => app.browser().trpc.session.login.mutate(credentials),
    /** Waits until `count` requests have ended, and returns their audit lines. */
    async after(requests: number) {
      await vi.waitFor(() => expect(app.logLines.filter(({ msg }) => msg === 'request')).toHaveLength(requests));
      // No audit line may contain any of these field names.
      expect(JSON.stringify(auditOf(app))).not.toMatch(/@|%40|eyJ|pass-1|example\.com|challenge/);
      return auditOf(app);
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

const challengeOf = async (app: TestApp, browser = app.browser()) => {
  const answer = await browser.trpc.session.login.mutate(secondFactor);
  if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
  const code = app.authService.lastCode(secondFactor.email) ?? '';
  return { challenge: answer.challenge, code, wrongCode: code === '000000' ? '000001' : '000000' };
};

describe.each(dialects)('the audit log in the %s dialect', (dialect) => {
  it('a sign-in is logged with the person, the address and the account', async () => {
    await using test = await start({ dialect });
    await test.signIn(technician);
    await test.signIn(employee);
    expect(await test.after(2)).toEqual([
      { ...always, audit: 'sign_in', person: 'staff:123', account },
      { ...always, audit: 'sign_in', person: 'employee:1', account },
    ]);
    const [first, second] = auditOf(test.app);
    expect(first?.account).not.toBe(second?.account);
    const requests = test.app.logLines.filter(({ msg }) => msg === 'request');
    expect([first?.requestId, second?.requestId]).toEqual(requests.map(({ requestId }) => requestId));
  });

  it('a failed sign-in is logged with its reason, and with one account for every spelling of the e-mail address', async () => {
    await using test = await start({ dialect });
    const spellings = ['user@example.com', 'USER@Example.com', ' user@example.com ', 'ｕser@example.com'];
    for (const email of spellings) expect(await reasonOf(test.signIn({ ...wrong, email }))).toBe('bad_credentials');
    await reasonOf(test.signIn({ ...wrong, email: 'unknown@example.com' }));
    const lines = await test.after(5);
    const expected = { ...always, audit: 'sign_in_failed', reason: 'bad_credentials', account };
    expect(lines).toEqual(lines.map(() => expected));
    const accounts = lines.map((line) => line.account);
    expect(new Set(accounts.slice(0, 4)).size).toBe(1);
    expect(accounts[4]).not.toBe(accounts[0]);
    // The same account as in the line of a successful sign-in.
    await test.signIn(technician);
    expect((await test.after(6)).at(-1)).toMatchObject({ audit: 'sign_in', account: accounts[0] });
  });

  it('a failed sign-in is logged for every reason', async () => {
    await using test = await start({ dialect });
    await reasonOf(test.signIn(person(/^Locked/)));
    await reasonOf(test.signIn(person(/^Captcha/)));
    test.app.authService.fault('staff-login', { kind: 'status', status: 503 });
    await reasonOf(test.signIn(technician));
    test.app.authService.clearFaults();
    for (let attempt = 0; attempt < 12; attempt += 1) await reasonOf(test.signIn(wrong));
    const lines = await test.after(15);
    expect(new Set(lines.map(({ audit }) => audit))).toEqual(new Set(['sign_in_failed']));
    const reasons = lines.map(({ reason }) => reason);
    expect(reasons.slice(0, 3)).toEqual(['account_locked', 'captcha_required', 'auth_service_unavailable']);
    expect(reasons.at(-1)).toBe('rate_limited');
    expect(lines).toHaveLength(15);
  });

  it('a sign-in with a second factor is logged after the code, and each failed code is logged', async () => {
    await using test = await start({ dialect });
    const browser = test.app.browser();
    const { challenge, code, wrongCode } = await challengeOf(test.app, browser);
    expect(await test.after(1)).toEqual([]);
    await reasonOf(browser.trpc.session.verifyOtp.mutate({ challenge, code: wrongCode }));
    await reasonOf(browser.trpc.session.verifyOtp.mutate({ challenge: 'not-ours', code }));
    await browser.trpc.session.verifyOtp.mutate({ challenge, code });
    await test.signIn({ ...secondFactor, password: 'wrong-pass-1' }).catch(() => {});
    const lines = await test.after(5);
    expect(lines).toEqual([
      { ...always, audit: 'second_factor_failed', reason: 'otp_invalid', account },
      { ...always, audit: 'second_factor_failed', reason: 'otp_expired' },
      { ...always, audit: 'sign_in', person: 'staff:7', account },
      { ...always, audit: 'sign_in_failed', reason: 'bad_credentials', account },
    ]);
    expect(new Set(lines.flatMap((line) => line.account ?? [])).size).toBe(1);
  });

  it.each(['staff-login', 'staff-otp'] as const)(
    'a sign-in that the client aborts before %s responds is logged as failed',
    async (endpoint) => {
      await using test = await start({ dialect });
      const { app } = test;
      const isLogin = endpoint === 'staff-login';
      const { challenge, code } = isLogin ? { challenge: '', code: '' } : await challengeOf(app);
      const gate = holdEndpoint(app.authService, endpoint);
      const body = written(isLogin ? technician : { challenge, code });
      using connection = await openConnection(app.url);
      connection.send(
        `POST /trpc/${isLogin ? 'session.login' : 'session.verifyOtp'} HTTP/1.1`,
        'host: a',
        'content-type: application/json',
        'x-csrf: 1',
        `content-length: ${body.length}`,
        '',
        body,
      );
      await gate.held;
      connection.socket.destroy();
      // The server has noticed the disconnect before the Auth Service responds.
      await test.after(isLogin ? 1 : 2);
      expect(eventsOf(app)).toEqual([]);
      gate.release();
      await vi.waitFor(() => expect(auditOf(app)).toHaveLength(1));
      expect(auditOf(app)).toEqual([
        {
          ...always,
          audit: 'sign_in_failed',
          reason: 'client_left',
          person: isLogin ? 'staff:123' : 'staff:7',
          account,
        },
      ]);
    },
  );

  it('a failed refresh is logged with its reason and person, once a minute for all attempts', async () => {
    await using test = await start({ dialect });
    const tokens = await test.issue({ type: 'staff', id: 123 });
    const forged = staffToken(test.clock.now(), { token_type: 'refresh' }, unknownKey);
    test.app.authService.fault('refresh', { kind: 'status', status: 401 });
    test.app.authService.fault('staff-refresh', { kind: 'status', status: 401 });
    const refreshTwice = async () => {
      for (const held of [tokens, tokens, { refresh: forged }, { refresh: forged }]) {
        await reasonOf(test.browserOf(held).trpc.session.refresh.mutate());
      }
    };
    const expected = [
      { ...always, audit: 'refresh_refused', reason: 'session_ended', person: 'staff:123' },
      { ...always, audit: 'refresh_refused', reason: 'token_invalid' },
    ];
    await refreshTwice();
    expect(await test.after(4)).toEqual(expected);
    test.clock.advance(59_000);
    await refreshTwice();
    expect(await test.after(8)).toHaveLength(2);
    test.clock.advance(1_000);
    await refreshTwice();
    expect(await test.after(12)).toEqual([...expected, ...expected]);
  });

  it('a refresh is not logged during an outage or if it succeeds', async () => {
    await using test = await start({ dialect });
    const browser = test.browserOf(await test.issue({ type: 'staff', id: 123 }));
    test.app.authService.fault('*', { kind: 'status', status: 503 });
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('auth_service_unavailable');
    test.app.authService.clearFaults();
    await browser.trpc.session.refresh.mutate();
    expect(await test.after(2)).toEqual([]);
  });

  it('a sign-out is logged with the person, once per token', async () => {
    await using test = await start({ dialect });
    const tokens = await test.issue({ type: 'employee', id: 1 });
    for (let time = 0; time < 3; time += 1) await test.browserOf(tokens).trpc.session.logout.mutate();
    // No valid session, so no person to name.
    await test.app.browser().trpc.session.logout.mutate();
    const forged = staffToken(test.clock.now(), {}, unknownKey);
    await test.browserOf({ access: forged }).trpc.session.logout.mutate();
    expect(await test.after(5)).toEqual([{ ...always, audit: 'sign_out', person: 'employee:1' }]);
  });

  it('the session of a deactivated person is logged as ended, once', async () => {
    await using test = await start({ dialect });
    const { authService } = test.app;
    const tokens = await test.issue({ type: 'employee', id: 3 });
    // The Auth Service has already refreshed the session when the BFF reads the record.
    authService.fault('refresh', {
      kind: 'transform',
      answer: (answer) => {
        authService.changePerson({ type: 'employee', id: 3 }, { status: 'Rejected' });
        return answer;
      },
    });
    for (let time = 0; time < 3; time += 1) {
      expect(await reasonOf(test.browserOf(tokens).trpc.session.refresh.mutate())).toBe('session_ended');
      expect(await reasonOf(test.browserOf(tokens).trpc.session.me.query())).toBe('session_ended');
    }
    expect(await test.after(6)).toEqual([
      { ...always, audit: 'session_ended', reason: 'account_inactive', person: 'employee:3' },
      { ...always, audit: 'refresh_refused', reason: 'session_ended', person: 'employee:3' },
    ]);
  });

  it('the session of a deleted person is logged as ended, whether the BFF or the Auth Service detects it', async () => {
    await using test = await start({ dialect });
    const browser = test.browserOf(await test.issue({ type: 'staff', id: 123 }));
    test.app.authService.changePerson({ type: 'staff', id: 123 }, 'deleted');
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('session_ended');
    const refused = { ...always, audit: 'refresh_refused', reason: 'session_ended', person: 'staff:123' };
    const ended = { ...always, audit: 'session_ended', reason: 'account_inactive', person: 'staff:123' };
    // The documented service rejects the token. The deployed one fails, so the BFF has to detect the deletion.
    expect(await test.after(1)).toEqual(dialect === 'guide' ? [refused] : [ended, refused]);
  });

  it('the use of a session after its sign-out, or by a known inactive person, is logged once', async () => {
    await using test = await start({ dialect });
    const tokens = await test.issue({ type: 'staff', id: 123 });
    await test.browserOf(tokens).trpc.session.logout.mutate();
    for (let time = 0; time < 5; time += 1) {
      expect(await reasonOf(test.browserOf(tokens).trpc.session.me.query())).toBe('session_ended');
    }
    const inactive = test.browserOf(await test.issue({ type: 'staff', id: 5 }));
    test.app.authService.changePerson({ type: 'staff', id: 5 }, { is_active: false });
    await test.browserOf(await test.issue({ type: 'staff', id: 6 })).trpc.users.byId.query({ id: 5 });
    for (let time = 0; time < 5; time += 1)
      expect(await reasonOf(inactive.trpc.session.me.query())).toBe('session_ended');
    expect(await test.after(12)).toEqual([
      { ...always, audit: 'sign_out', person: 'staff:123' },
      { ...always, audit: 'session_ended', reason: 'signed_out', person: 'staff:123' },
      { ...always, audit: 'session_ended', reason: 'account_inactive', person: 'staff:5' },
    ]);
  });

  it('a refresh that returns the session of another person is logged', async () => {
    await using test = await start({ dialect });
    const foreign = await test.issue({ type: 'staff', id: 5 });
    test.app.authService.fault('refresh', answerWithTokens(foreign));
    const browser = test.browserOf(await test.issue({ type: 'staff', id: 123 }));
    await reasonOf(browser.trpc.session.refresh.mutate());
    expect(await test.after(1)).toEqual([
      { ...always, audit: 'session_ended', reason: 'foreign_token', person: 'staff:123' },
      { ...always, audit: 'refresh_refused', reason: 'session_ended', person: 'staff:123' },
    ]);
  });

  it('a denied permission is logged for each call, with its procedure', async () => {
    await using test = await start({ dialect });
    const asset = test.browserOf(await test.issue({ type: 'staff', id: 4 }));
    const worker = test.browserOf(await test.issue({ type: 'employee', id: 1 }));
    const denied = [
      worker.trpc.users.byId.query({ id: 1 }),
      worker.trpc.employees.byId.query({ id: 2 }),
      asset.trpc.users.byRole.query({ system: 'TTS', role: 'Technician' }),
    ];
    for (const call of denied) expect(await reasonOf(call)).toBe('insufficient_permissions');
    await asset.trpc.users.byId.query({ id: 1 });
    const lines = await test.after(3);
    expect(lines).toHaveLength(3);
    expect(lines).toEqual(
      expect.arrayContaining([
        { ...always, audit: 'permission_denied', person: 'employee:1', procedure: 'users.byId' },
        { ...always, audit: 'permission_denied', person: 'employee:1', procedure: 'employees.byId' },
        { ...always, audit: 'permission_denied', person: 'staff:4', procedure: 'users.byRole' },
      ]),
    );
  });
});

describe('an audit line', () => {
  it('has the /64 network of an IPv6 address, and the address from a trusted proxy', async () => {
    await using test = await start({ env: { TRUST_PROXY: '1' } });
    for (const forwarded of ['2001:db8:1:2:3:4:5:6', '::ffff:192.0.2.7', '192.0.2.8:443']) {
      await askRaw(test.app.url, {
        method: 'POST',
        target: '/trpc/session.login',
        headers: { ...postHeaders, 'x-forwarded-for': forwarded },
        body: written(wrong),
      });
    }
    const lines = await test.after(3);
    expect(lines.map(({ network }) => network)).toEqual(['2001:db8:1:2::', '192.0.2.7', '192.0.2.8']);
  });

  it.each([
    ['warn', ['sign_in_failed', 'permission_denied']],
    ['fatal', ['sign_in_failed', 'permission_denied']],
    ['silent', []],
  ])('is written at LOG_LEVEL=%s, where request lines are not', async (level, expected) => {
    await using test = await start({ env: { LOG_LEVEL: level } });
    await reasonOf(test.signIn(wrong));
    const worker = test.browserOf(await test.issue({ type: 'employee', id: 1 }));
    await reasonOf(worker.trpc.users.byId.query({ id: 1 }));
    expect(test.app.logLines.map(({ audit }) => audit)).toEqual(expected);
  });

  it('has an account hash that depends on SEALING_KEY alone, so that replicas agree and third parties cannot compute it', async () => {
    const accountWith = async (env: Record<string, string>) => {
      await using test = await start({ env });
      await reasonOf(test.signIn(wrong));
      return (await test.after(1))[0]?.account;
    };
    const [one, other] = [
      'a-sealing-key-that-is-long-enough-0123456789',
      'another-sealing-key-that-is-long-enough-0123',
    ];
    const first = await accountWith({ SEALING_KEY: one });
    expect(await accountWith({ SEALING_KEY: one, DJANGO_JWT_SIGNING_KEY_PREVIOUS: other })).toBe(first);
    expect(await accountWith({ SEALING_KEY: other })).not.toBe(first);
  });

  it('names no person for an unverified refresh token', async () => {
    const env = { TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-that-is-long-enough-0123456789' };
    await using test = await start({ env });
    const forged = staffToken(test.clock.now(), { token_type: 'refresh', user_id: 5 }, unknownKey);
    await reasonOf(test.browserOf({ refresh: forged }).trpc.session.refresh.mutate());
    await test.browserOf({ refresh: forged }).trpc.session.logout.mutate();
    expect(await test.after(2)).toEqual([{ ...always, audit: 'refresh_refused', reason: expect.any(String) }]);
    // The Auth Service has verified this token, so its person is named.
    const browser = test.browserOf(await test.issue({ type: 'staff', id: 123 }));
    await browser.trpc.session.me.query();
    await browser.trpc.session.logout.mutate();
    expect((await test.after(4)).at(-1)).toEqual({ ...always, audit: 'sign_out', person: 'staff:123' });
  });

  it('names no person for a refresh with the tokens of two people, and names both when they sign out', async () => {
    await using test = await start();
    const [one, other] = [await test.issue({ type: 'staff', id: 123 }), await test.issue({ type: 'staff', id: 5 })];
    const post = (path: string) =>
      askRaw(test.app.url, {
        method: 'POST',
        target: `/trpc/${path}`,
        headers: { ...postHeaders, cookie: `refresh_token=${one.refresh}; refresh_token=${other.refresh}` },
        body: '{}',
      });
    await post('session.refresh');
    await post('session.logout');
    expect(await test.after(2)).toEqual([
      { ...always, audit: 'refresh_refused', reason: 'token_invalid' },
      { ...always, audit: 'sign_out', person: 'staff:123' },
      { ...always, audit: 'sign_out', person: 'staff:5' },
    ]);
  });

  it('is written for a sign-in whose cookies are set though the session lookup fails', async () => {
    // A token without systems, and a failing lookup of the systems.
    await using test = await start({ authService: { claims: 'least' } });
    test.app.authService.fault('user', { kind: 'status', status: 401 });
    const browser = test.app.browser();
    await reasonOf(browser.trpc.session.login.mutate(technician));
    expect([...browser.cookies.keys()]).toContain('access_token');
    expect((await test.after(1)).map(({ audit }) => audit)).toEqual(['sign_in']);
  });

  it('is written once for each distinct call of a batch', async () => {
    await using test = await start();
    const { access } = await test.issue({ type: 'employee', id: 1 });
    const target = queryTarget(['users.byId', 'users.byId', 'session.me'], {
      0: { json: { id: 1 } },
      1: { json: { id: 2 } },
    });
    await askRaw(test.app.url, { target, headers: { cookie: `access_token=${access}` } });
    expect((await test.after(1)).map(({ procedure }) => procedure)).toEqual(['users.byId', 'users.byId']);
  });
});

it('all audit events have a schema with their fields', () => {
  const lines: Array<Record<string, unknown>> = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  const audit = createAudit({
    log: createLog({ logLevel: 'error', destination }),
    keyHasher: createKeyHasher({ sealingSecret: 'secret' }),
    networkOf: toNetwork,
    monotonicNow: () => 0,
  });
  const [manager, colleague] = [
    { type: 'staff', id: 2 },
    { type: 'staff', id: 5 },
  ] as const;
  const cause = { requestId: 'r-1', address: '192.0.2.7' };
  audit.write({ audit: 'sign_out_everywhere', person: manager }, cause);
  audit.write({ audit: 'password_changed', person: manager }, cause);
  const byManager = { person: manager, service: null };
  audit.write({ audit: 'availability_changed', ...byManager, of: colleague, system: 'TTS', away: true }, cause);
  audit.write({ audit: 'turns_reset', ...byManager, system: 'TTS', role: 'Technician' }, {});
  const line = { level: 30, time: expect.any(String), person: 'staff:2', msg: 'audit' };
  const from = { network: '192.0.2.7', requestId: 'r-1' };
  expect(lines).toEqual([
    { ...line, ...from, audit: 'sign_out_everywhere' },
    { ...line, ...from, audit: 'password_changed' },
    { ...line, ...from, audit: 'availability_changed', of: 'staff:5', system: 'TTS', away: true },
    { ...line, audit: 'turns_reset', system: 'TTS', role: 'Technician' },
  ]);
});
