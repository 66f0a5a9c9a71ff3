import { describe, expect, it } from 'vitest';
import { signInPeople } from '../../../server/dev/auth-service/people/people.ts';
import { type Browser, errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { hasRedis } from '../../support/redis/redis.ts';
import { createClock, startApp, type StartAppOptions, type TestApp } from '../../support/app/start-app.ts';
import { startReplicas } from '../../support/processes/start-replicas.ts';
import { staffToken } from '../../support/token/tokens.ts';
import { john, johnsCredentials as credentials } from '../../support/app/people.ts';

const wrong = { ...credentials, password: 'wrong' };
/** This person needs a captcha, which the Auth Service checks before the password. */
const hana = { email: 'hana.kobayashi@example.com', password: 'staff-pass-1' };
const secondFactor = signInPeople.find(({ shows }) => shows.startsWith('Second factor'));

const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options });
  const person = async (id = 123, headers: Record<string, string> = {}) => {
    const browser = app.browser({ headers });
    browser.holdTokens(await app.authService.issue({ type: 'staff', id }));
    return browser;
  };
  return { ...app, app, clock, person, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};
const behindProxy = { TRUST_PROXY: '1' };
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

/** The number of calls that succeed before the first is limited. */
const answeredOf = async (calls: number, call: (index: number) => Promise<unknown>): Promise<number> => {
  const results = [];
  for (let index = 0; index < calls; index += 1) results.push(await call(index));
  const first = results.indexOf('rate_limited');
  return first < 0 ? calls : first;
};
const endOf = (call: Promise<unknown>) =>
  call.then(
    () => 'answered',
    (error: { data?: { reason?: string } }) => error.data?.reason,
  );
const me = ({ trpc }: Browser) => endOf(trpc.session.me.query());
const refresh = ({ trpc }: Browser) => endOf(trpc.session.refresh.mutate());
const signIn = ({ trpc }: Browser, input: { email: string; password: string } = wrong) =>
  reasonOf(trpc.session.login.mutate(input));

describe('requests', () => {
  const env = { RATE_LIMIT_PER_MINUTE: '5' };

  it('are limited per person with a tRPC error until the minute has ended', async () => {
    await using test = await start({ env });
    const browser = await test.person();
    expect(await answeredOf(6, () => me(browser))).toBe(5);
    const error = await errorDataOf(browser.trpc.session.me.query());
    expect(error).toMatchObject({ code: 'TOO_MANY_REQUESTS', reason: 'rate_limited', retryAfterSeconds: 60 });
    const answer = browser.lastAnswer();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '60']);
    expect(browser.setCookies).toEqual([]);

    test.clock.advance(59_500);
    expect((await errorDataOf(browser.trpc.session.me.query())).retryAfterSeconds).toBe(1);
    test.clock.advance(500);
    expect(await me(browser)).toBe('answered');
  });

  it('keep their limit and their window after the clock was set back', async () => {
    await using test = await start({ env });
    const call = () => me(test.browser());
    expect(await answeredOf(6, call)).toBe(5);
    test.clock.advance(-20_000);
    expect(await call()).toBe('rate_limited');
    test.clock.advance(60_000);
    expect(await call()).toBe('no_token');
  });

  it('of one person do not use up the limit of another person or of a visitor', async () => {
    await using test = await start({ env });
    const [one, other] = [await test.person(123), await test.person(5)];
    expect(await answeredOf(6, () => me(one))).toBe(5);
    expect(await me(other)).toBe('answered');
    expect(await me(test.browser())).toBe('no_token');
  });

  it('of one person count together across tokens and addresses', async () => {
    await using test = await start({ env: { ...env, ...behindProxy } });
    const browsers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => test.person(123, { 'x-forwarded-for': `203.0.113.${index}` })),
    );
    expect(await answeredOf(6, async (index) => me(browsers[index] ?? test.browser()))).toBe(5);
  });

  it.each([
    ['no token', () => ({})],
    ['a new made-up token for each request', (index: number) => ({ access: `eyJhbGciOiJIUzI1NiJ9.e30.${index}` })],
  ])('with %s count for their address', async (_name, held) => {
    await using test = await start({ env });
    const call = (index: number) => {
      const browser = test.browser();
      browser.holdTokens(held(index));
      return me(browser);
    };
    expect(await answeredOf(6, call)).toBe(5);
    // The requests of others do not count for them.
    expect(await me(await test.person())).toBe('answered');
  });

  it('with a modified token count for their address, not for the owner of the token', async () => {
    await using test = await start({ env });
    const { access } = await test.authService.issue(john);
    const forged = () => {
      const browser = test.browser();
      browser.holdTokens({ access: `${access.slice(0, -6)}AAAAAA` });
      return browser;
    };
    expect(await answeredOf(6, () => me(forged()))).toBe(5);
    expect(await me(await test.person())).toBe('answered');
  });

  it('to the health routes are never limited, and a limit of 0 disables the limit', async () => {
    await using test = await start({ env });
    for (let call = 0; call < 20; call += 1) {
      expect((await fetch(`${test.url}/health/live`)).status).toBe(200);
    }
    await using free = await start({ env: { RATE_LIMIT_PER_MINUTE: '0' } });
    const browser = await free.person();
    expect(await answeredOf(20, () => me(browser))).toBe(20);
  });

  it('are limited per person with remote validation after the Auth Service has accepted the token', async () => {
    await using test = await start({
      env: { ...env, TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-of-32-bytes-or-more' },
    });
    const browser = await test.person();
    // The first request counts for the address, because the token is not verified yet.
    expect(await answeredOf(8, () => me(browser))).toBe(6);
  });
});

describe('addresses', () => {
  const env = { RATE_LIMIT_PER_MINUTE: '2' };
  const anonymous = (test: Pick<TestApp, 'browser'>, address: string) => me(test.browser(from(address)));

  it('come from the header of the trusted proxy', async () => {
    await using test = await start({ env: { ...env, ...behindProxy } });
    for (const address of ['203.0.113.1', '203.0.113.2']) {
      expect(await answeredOf(3, () => anonymous(test, address))).toBe(2);
    }
  });

  it('do not come from a header that the browser sets', async () => {
    await using direct = await start({ env });
    expect(await answeredOf(3, (index) => anonymous(direct, `203.0.113.${index}`))).toBe(2);
    // A client controls the entries to the left of the one that the trusted proxy added.
    await using proxied = await start({ env: { ...env, ...behindProxy } });
    expect(await answeredOf(3, (index) => anonymous(proxied, `198.51.100.${index}, 203.0.113.7`))).toBe(2);
  });

  it('of IPv6 count per /64 network', async () => {
    await using test = await start({ env: { ...env, ...behindProxy } });
    expect(await answeredOf(3, (index) => anonymous(test, `2001:db8:1:2:${index}::1`))).toBe(2);
    expect(await anonymous(test, '2001:db8:1:3::1')).toBe('no_token');
  });

  it('that are invalid count as the address of the proxy', async () => {
    await using test = await start({ env: { ...env, ...behindProxy } });
    expect(await answeredOf(3, (index) => anonymous(test, `unknown-${index}`))).toBe(2);
  });

  it('are forwarded to the Auth Service with each call, without the original header', async () => {
    await using test = await start({ env: behindProxy });
    const browser = test.browser(from('198.51.100.1, 203.0.113.9'));
    await browser.trpc.session.login.mutate(credentials);
    await browser.trpc.users.byId.query({ id: 5 });
    await browser.trpc.session.validate.query();
    await browser.trpc.session.refresh.mutate();
    await browser.trpc.session.logout.mutate();
    const told = test.authService.calls.map(({ endpoint, headers }) => [endpoint, headers['x-forwarded-for']]);
    expect(new Set(told.map(([endpoint]) => endpoint)).size).toBeGreaterThanOrEqual(5);
    expect(new Set(told.map(([, address]) => address))).toEqual(new Set(['203.0.113.9']));
  });

  it('that are invalid are forwarded as the address of the proxy', async () => {
    await using test = await start({ env: behindProxy });
    await test.browser(from('nonsense\u00e9')).trpc.session.login.mutate(credentials);
    expect(test.authService.calls.at(0)?.headers['x-forwarded-for']).toBe('127.0.0.1');
  });
});

describe('sign-ins', () => {
  const proxied = { env: { ...behindProxy, RATE_LIMIT_PER_MINUTE: '0' } };

  it('without the required captcha are limited to 10 a minute for one address and e-mail, then not sent to the Auth Service', async () => {
    await using test = await start(proxied);
    const spelt = (index: number) => (index % 2 === 0 ? hana : { ...hana, email: hana.email.toUpperCase() });
    const attempt = (index: number) => signIn(test.browser(), spelt(index));
    expect(await answeredOf(12, attempt)).toBe(10);
    expect(test.authService.count('staff-login')).toBe(10);
    const right = { ...hana, captchaToken: 'captcha-ok' };
    const refused = await errorDataOf(test.browser().trpc.session.login.mutate(right));
    expect(refused).toMatchObject({ code: 'TOO_MANY_REQUESTS', reason: 'rate_limited', retryAfterSeconds: 60 });
    expect(test.authService.count('staff-login')).toBe(10);

    test.clock.advance(60_000);
    expect(await test.browser().trpc.session.login.mutate(right)).toMatchObject({ status: 'signed_in' });
  });

  it('without the required captcha from other addresses are limited to 30 a minute for one e-mail', async () => {
    await using test = await start(proxied);
    const attempt = (index: number) => signIn(test.browser(from(`203.0.113.${Math.floor(index / 10)}`)), hana);
    expect(await answeredOf(32, attempt)).toBe(30);
    expect(test.authService.count('staff-login')).toBe(30);
    expect(await signIn(test.browser(), { email: 'other@example.com', password: 'x' })).toBe('bad_credentials');
  });

  it('are limited to 100 a minute for one address across all accounts', async () => {
    await using test = await start(proxied);
    const attempt = (index: number) =>
      signIn(test.browser(from('203.0.113.1')), { email: `user-${index}@example.com`, password: 'x' });
    expect(await answeredOf(102, attempt)).toBe(100);
    expect(await signIn(test.browser(from('203.0.113.2')))).toBe('bad_credentials');
  });
});

it('codes of a second factor are limited to 10 in 10 minutes for one person across all sign-ins', async () => {
  await using test = await start({ env: behindProxy });
  const { email = '', password = '' } = secondFactor ?? {};
  const challengeOf = async () => {
    const answer = await test.browser().trpc.session.login.mutate({ email, password });
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    return answer.challenge;
  };
  const codeOf = (isRight: boolean) => {
    const right = test.authService.lastCode(email) ?? '';
    return isRight ? right : right === '000000' ? '000001' : '000000';
  };
  const challenges = [await challengeOf(), await challengeOf()];
  const attempt = (index: number) =>
    test.browser().trpc.session.verifyOtp.mutate({
      challenge: challenges[Math.floor(index / 5)] ?? '',
      code: codeOf(index === 10),
    });
  expect(await answeredOf(10, (index) => reasonOf(attempt(index)))).toBe(10);
  expect(test.authService.count('staff-otp')).toBe(10);

  // A third sign-in does not become invalid when its code is rejected here.
  test.clock.advance(10 * 60_000 - 1_000);
  challenges.push(await challengeOf());
  for (let call = 0; call < 6; call += 1) {
    expect(await errorDataOf(attempt(10))).toMatchObject({ reason: 'rate_limited', retryAfterSeconds: 1 });
  }
  test.clock.advance(1_000);
  expect(await attempt(10)).toMatchObject({ status: 'signed_in' });
});

it('right codes of a second factor do not count', async () => {
  await using test = await start();
  const { email = '', password = '' } = secondFactor ?? {};
  for (let signIns = 0; signIns < 12; signIns += 1) {
    const { trpc } = test.browser();
    const answer = await trpc.session.login.mutate({ email, password });
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    const code = test.authService.lastCode(email) ?? '';
    const { status } = await trpc.session.verifyOtp.mutate({ challenge: answer.challenge, code });
    expect(status).toBe('signed_in');
    // A right password that still needs a code counts for its address, by the minute.
    test.clock.advance(10_000);
  }
});

describe('refreshes', () => {
  const env = { RATE_LIMIT_PER_MINUTE: '0' };

  it('are limited to 30 exchanges a minute for one person, and the limit ends no session', async () => {
    await using test = await start({ env });
    const browser = await test.person();
    expect(await answeredOf(31, () => refresh(browser))).toBe(30);
    expect(test.authService.count('refresh')).toBe(30);
    expect(browser.cookies.size).toBe(2);
    expect(await me(browser)).toBe('answered');
    const other = await test.person(5);
    await other.trpc.session.refresh.mutate();
    test.clock.advance(60_000);
    expect(await refresh(browser)).toBe('answered');
  });

  it('count for their address if the BFF has not verified the token', async () => {
    await using test = await start({
      env: { ...env, ...behindProxy, TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-of-32-bytes-or-more' },
    });
    const forged = (index: number) => {
      const browser = test.browser(from('203.0.113.1'));
      const claims = { token_type: 'refresh', jti: String(index) };
      browser.holdTokens({ refresh: staffToken(test.clock.now(), claims, 'made-up') });
      return refresh(browser);
    };
    expect(await answeredOf(32, forged)).toBe(30);
    expect(await refresh(await test.person(123, from('203.0.113.2').headers))).toBe('answered');
  });

  it('that share a result do not count', async () => {
    await using test = await start({ env });
    const tokens = await test.authService.issue(john);
    const browser = test.browser();
    browser.holdTokens(tokens);
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => refresh(browser))))).toEqual(
      new Set(['answered']),
    );
    expect(test.authService.count('refresh')).toBe(1);
    // 29 are left.
    expect(await answeredOf(30, () => refresh(browser))).toBe(29);
  });
});
describe.skipIf(!hasRedis())('limits of two replicas', () => {
  it('are shared, and continue in each replica while Redis is unavailable', async () => {
    await using test = await startReplicas({ env: { RATE_LIMIT_PER_MINUTE: '6' } });
    const tokens = await test.authService.issue(john);
    const call = (app: TestApp) => {
      const browser = app.browser();
      browser.holdTokens(tokens);
      return me(browser);
    };
    expect(await answeredOf(7, (index) => call(index % 2 === 0 ? test.first : test.second))).toBe(6);
    expect(await call(test.first)).toBe('rate_limited');

    const attempt = (app: TestApp) => signIn(app.browser());
    // Each also counts for its address, which has made no request yet.
    expect(await answeredOf(6, (index) => attempt(index % 2 === 0 ? test.first : test.second))).toBe(6);
    expect(await attempt(test.second)).toBe('rate_limited');

    await test.redis.stop();
    expect(await answeredOf(7, () => call(test.second))).toBe(6);
    expect(await call(test.second)).toBe('rate_limited');
  });
});
