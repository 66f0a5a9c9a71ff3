import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { signInPeople } from '../../server/dev/auth-service/people/people.ts';
import { reasonOf } from '../support/app/browser.ts';
import { holdEndpoint } from '../support/auth-service/hold-endpoint.ts';
import { hasRedis, type RedisServer, startRedis } from '../support/redis/redis.ts';
import type { TestApp } from '../support/app/start-app.ts';
import { heldBy, type Replicas, startHeldReplicas } from '../support/processes/start-replicas.ts';
import { john, johnsCredentials as credentials } from '../support/app/people.ts';
import { inRedis } from '../support/redis/in-redis.ts';
import { answerWithTokens } from '../support/auth-service/answer-with-tokens.ts';

const secondFactor = signInPeople.find(({ shows }) => shows.startsWith('Second factor'));

/** All keys in Redis, with their values and whether each has a TTL. */
const contentsOf = ({ redis }: Pick<Replicas, 'redis'>) =>
  inRedis(redis, async (client) => {
    const keys = await client.keys('*');
    return Promise.all(
      keys.map(async (key) => ({
        key,
        ttlMs: await client.pttl(key),
        value: (await client.type(key)) === 'hash' ? JSON.stringify(await client.hgetall(key)) : await client.get(key),
      })),
    );
  });

/** Deletes the stored results of refreshes, as their TTL of 30 s does. */
const forgetResults = ({ redis }: Pick<Replicas, 'redis'>): Promise<number> =>
  inRedis(redis, async (client) => client.del(await client.keys('*:result')));

const expectCalls = ({ authService }: Pick<Replicas, 'authService'>, endpoint: string, count: number) =>
  vi.waitFor(() => expect(authService.count(endpoint)).toBe(count));

describe.skipIf(!hasRedis())('two replicas over one Redis', () => {
  let shared: RedisServer;
  beforeAll(async () => {
    shared = await startRedis();
  });
  afterAll(() => shared[Symbol.asyncDispose]());
  const start = (options: Parameters<typeof startHeldReplicas>[0] = {}) =>
    startHeldReplicas({ redis: shared, ...options });

  it('exchange a refresh token once, and return the same tokens to all concurrent refreshes with it', async () => {
    await using test = await start();
    const browsers = Array.from({ length: 40 }, (_, index) => test.holder(index % 2 === 0 ? test.first : test.second));
    await Promise.all(browsers.map((browser) => browser.trpc.session.refresh.mutate()));
    expect(test.authService.count('refresh')).toBe(1);
    expect(new Set(browsers.map((browser) => JSON.stringify(heldBy(browser)))).size).toBe(1);
    expect(heldBy(browsers[0] ?? test.holder(test.first)).refresh).not.toBe(test.tokens.refresh);
  });

  it('return the result of the other replica to a late refresh, and refresh_superseded after 30 s', async () => {
    await using test = await start();
    const winner = test.holder(test.first);
    await winner.trpc.session.refresh.mutate();
    const late = test.holder(test.second);
    await late.trpc.session.refresh.mutate();
    expect(heldBy(late)).toEqual(heldBy(winner));

    const result = (await contentsOf(test)).find(({ key }) => key.endsWith(':result'));
    expect(result?.ttlMs).toBeGreaterThan(0);
    expect(result?.ttlMs).toBeLessThanOrEqual(30_000);
    expect(await forgetResults(test)).toBe(1);
    test.clock.advance(30_000);
    const later = test.holder(test.second);
    expect(await reasonOf(later.trpc.session.refresh.mutate())).toBe('refresh_superseded');
    expect(later.setCookies).toEqual([]);
    expect(test.authService.count('refresh')).toBe(1);
  });

  it('return the newest tokens to a late refresh, even if both replicas have refreshed since', async () => {
    await using test = await start();
    const browser = test.holder(test.first);
    await browser.trpc.session.refresh.mutate();
    const between = test.holder(test.second, heldBy(browser));
    await between.trpc.session.refresh.mutate();
    const late = test.holder(test.first);
    await late.trpc.session.refresh.mutate();
    expect(heldBy(late)).toEqual(heldBy(between));
    expect(test.authService.count('refresh')).toBe(2);
  });

  it('answer all waiting refreshes with session_ended if the Auth Service rejects the exchange', async () => {
    await using test = await start();
    test.authService.fault('refresh', { kind: 'status', status: 401 });
    const browsers = [test.first, test.second, test.first, test.second].map((app) => test.holder(app));
    const reasons = await Promise.all(browsers.map((browser) => reasonOf(browser.trpc.session.refresh.mutate())));
    expect(new Set(reasons)).toEqual(new Set(['session_ended']));
  });

  it('end a session on both replicas, for every token of its family', async () => {
    await using test = await start();
    const older = heldBy(test.holder(test.first));
    const browser = test.holder(test.first);
    await browser.trpc.session.refresh.mutate();
    const newer = heldBy(browser);
    expect((await test.holder(test.second, newer).trpc.session.me.query()).user.id).toBe(123);

    // With the older tokens, at a replica that has not seen them.
    await test.holder(test.second, older).trpc.session.logout.mutate();
    for (const app of [test.first, test.second]) {
      for (const tokens of [older, newer]) {
        expect(await reasonOf(test.holder(app, tokens).trpc.session.me.query())).toBe('session_ended');
        expect(await reasonOf(test.holder(app, tokens).trpc.session.refresh.mutate())).toBe('session_ended');
      }
    }
    expect(test.authService.count('refresh')).toBe(1);
  });

  it.each([
    ['both tokens', ['access', 'refresh'], ['refresh']],
    ['the refresh token', ['refresh'], ['refresh']],
    ['the access token', ['access'], ['access', 'refresh']],
  ] as const)('end a session that neither replica has seen, by a sign-out with %s', async (_name, sent, held) => {
    await using test = await start();
    const pick = (names: ReadonlyArray<'access' | 'refresh'>) =>
      Object.fromEntries(names.map((name) => [name, test.tokens[name]]));
    await test.holder(test.first, pick(sent)).trpc.session.logout.mutate();
    expect(await reasonOf(test.holder(test.second, pick(held)).trpc.session.refresh.mutate())).toBe('session_ended');
    expect(test.authService.count('refresh')).toBe(0);
  });

  it('store a sign-out for the lifetime of the refresh token, even if only the access token was sent', async () => {
    await using test = await start();
    const browser = test.holder(test.first);
    await browser.trpc.session.refresh.mutate();
    const { access } = heldBy(browser);
    await test.holder(test.second, { access }).trpc.session.logout.mutate();
    const chains = (await contentsOf(test)).filter(({ key }) => key.startsWith('auth-bff:chain:'));
    expect(chains.map(({ value }) => /"ended"/.test(value ?? ''))).toEqual([true]);
    expect(Math.min(...chains.map(({ ttlMs }) => ttlMs))).toBeGreaterThan(7 * 86_400_000 - 60_000);
  });

  it('store only the unexpired access tokens of a session', async () => {
    await using test = await start();
    const browser = test.holder(test.first);
    for (let refresh = 0; refresh < 5; refresh += 1) {
      test.clock.advance(600_000);
      await browser.trpc.session.refresh.mutate();
    }
    const chain = (await contentsOf(test)).find(({ key }) => key.startsWith('auth-bff:chain:'));
    // Access tokens live for 15 minutes.
    expect(chain?.value?.match(/"token:/g)).toHaveLength(2);
  });

  it('exchange an unrotated refresh token again once its last access token is due for refresh', async () => {
    await using test = await start({ dialect: 'deployed' });
    const browser = test.holder(test.first);
    await browser.trpc.session.refresh.mutate();
    test.clock.advance(200_000);
    const { access } = heldBy(browser);
    const later = test.holder(test.second, { ...test.tokens, access });
    await later.trpc.session.refresh.mutate();
    expect(test.authService.count('refresh')).toBe(2);
    expect(heldBy(later).access).not.toBe(access);
  });

  it('do not end other sessions of the same person', async () => {
    await using test = await start();
    const other = test.first.browser();
    await other.trpc.session.login.mutate(credentials);
    await test.holder(test.second).trpc.session.logout.mutate();
    expect((await other.trpc.session.me.query()).user.id).toBe(123);
    expect((await test.holder(test.second, heldBy(other)).trpc.session.refresh.mutate()).user.id).toBe(123);
  });

  it('end a session whose refresh returned the tokens of another person, and clear its cookies', async () => {
    await using test = await start();
    const foreign = await test.authService.issue({ type: 'staff', id: 5 });
    test.authService.fault('refresh', answerWithTokens(foreign));
    const browser = test.holder(test.first);
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('session_ended');
    expect(browser.cookies.size).toBe(0);
    expect(await reasonOf(test.holder(test.second).trpc.session.me.query())).toBe('session_ended');
    expect(test.authService.count('refresh')).toBe(1);
  });

  it('let a sign-out at one win over a refresh in flight at the other, and revoke the refreshed tokens', async () => {
    await using test = await start();
    const gate = holdEndpoint(test.authService, 'refresh');
    const browser = test.holder(test.first);
    const refresh = reasonOf(browser.trpc.session.refresh.mutate());
    await gate.held;
    await test.holder(test.second).trpc.session.logout.mutate();
    gate.release();
    expect(await refresh).toBe('session_ended');
    expect(browser.setCookies).toEqual([]);
    // The BFF signs out upstream twice: the session, and the tokens that the late refresh got.
    await expectCalls(test, 'staff-logout', 2);
  });

  it('do not restore the previous person when a refresh at one ends after a sign-in at the other', async () => {
    await using test = await start();
    const gate = holdEndpoint(test.authService, 'refresh');
    const late = test.holder(test.first);
    const refresh = reasonOf(late.trpc.session.refresh.mutate());
    await gate.held;
    await test.holder(test.second).trpc.session.login.mutate(credentials);
    gate.release();
    expect(await refresh).toBe('refresh_superseded');
    expect(late.setCookies).toEqual([]);
  });

  it('share the attempt limit of a second factor, and accept a correct code once', async () => {
    await using test = await start();
    const { email = '', password = '' } = secondFactor ?? {};
    const challengeOf = async (app: TestApp) => {
      const answer = await app.browser().trpc.session.login.mutate({ email, password });
      if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
      const code = test.authService.lastCode(email) ?? '';
      return { challenge: answer.challenge, code, wrong: code === '000000' ? '000001' : '000000' };
    };
    const attempt = (app: TestApp, challenge: string, code: string) =>
      app.browser().trpc.session.verifyOtp.mutate({ challenge, code });

    const { challenge, code, wrong } = await challengeOf(test.first);
    for (const app of [test.first, test.second, test.first, test.second]) {
      expect(await reasonOf(attempt(app, challenge, wrong))).toBe('otp_invalid');
    }
    expect(await reasonOf(attempt(test.first, challenge, wrong))).toBe('otp_expired');
    const count = test.authService.count('staff-otp');
    expect(await reasonOf(attempt(test.second, challenge, code))).toBe('otp_expired');
    expect(test.authService.count('staff-otp')).toBe(count);

    const again = await challengeOf(test.second);
    expect(await attempt(test.first, again.challenge, again.code)).toMatchObject({ status: 'signed_in' });
    expect(await reasonOf(attempt(test.second, again.challenge, again.code))).toBe('otp_expired');
    expect(test.authService.count('staff-otp')).toBe(count + 1);
  });

  it('store no token, credential or address in plain text in Redis, and no key without a TTL', async () => {
    await using test = await start();
    const browser = test.first.browser();
    await browser.trpc.session.login.mutate(credentials);
    const signedIn = heldBy(browser);
    await browser.trpc.session.refresh.mutate();
    const refreshed = heldBy(browser);
    await reasonOf(test.second.browser().trpc.session.login.mutate({ ...credentials, password: 'wrong-pass' }));
    await test.holder(test.second).trpc.session.logout.mutate();

    const contents = await contentsOf(test);
    expect(contents.length).toBeGreaterThan(8);
    expect(contents.filter(({ ttlMs }) => ttlMs < 0)).toEqual([]);
    const text = JSON.stringify(contents);
    const tokens = [signedIn, refreshed, test.tokens].flatMap(({ access, refresh }) => [access, refresh]);
    const secrets = [
      ...tokens,
      ...tokens.flatMap((token) => token.split('.').slice(1)),
      credentials.email,
      credentials.password,
      'wrong-pass',
      '127.0.0.1',
      'staff',
    ];
    const found = secrets.filter((secret) => text.includes(secret));
    expect(found).toEqual([]);
    expect(text).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });

  it('remember a sign-out during a Redis outage, and write it once Redis is back', async () => {
    await using test = await startHeldReplicas();
    await test.redis.stop();
    await test.holder(test.first).trpc.session.logout.mutate();
    expect(await reasonOf(test.holder(test.first).trpc.session.me.query())).toBe('session_ended');
    await test.redis.start();
    const other = test.holder(test.first, await test.authService.issue(john));
    await vi.waitFor(async () => {
      await other.trpc.session.me.query();
      expect(await reasonOf(test.holder(test.second).trpc.session.me.query())).toBe('session_ended');
    });
  });

  it.each([
    ['down', (redis: Replicas['redis']) => redis.stop()],
    ['unresponsive', async (redis: Replicas['redis']) => redis.pause()],
  ])('refresh once per replica, by the local guard, while Redis is %s', async (_name, fail) => {
    await using test = await startHeldReplicas();
    expect((await test.holder(test.first).trpc.session.me.query()).user.id).toBe(123);
    await fail(test.redis);
    const browsers = Array.from({ length: 20 }, () => test.holder(test.first));
    const { fireUntil } = test.redisTimers;
    await fireUntil(Promise.all(browsers.map((browser) => browser.trpc.session.refresh.mutate())));
    expect(test.authService.count('refresh')).toBe(1);
    expect(new Set(browsers.map((browser) => JSON.stringify(heldBy(browser)))).size).toBe(1);
    await fireUntil(browsers[0]?.trpc.session.logout.mutate() ?? Promise.resolve(null));
    expect(await fireUntil(reasonOf(browsers[1]?.trpc.session.me.query() ?? Promise.resolve()))).toBe('session_ended');
    test.redis.resume();
  });

  it('do not wait for Redis on each call while Redis is unresponsive', async () => {
    let nowMs = 0;
    await using test = await startHeldReplicas({ monotonicNow: () => nowMs });
    test.redis.pause();
    const { fireUntil, fired } = test.redisTimers;
    const browser = test.holder(test.first);
    await fireUntil(browser.trpc.session.me.query());
    // The first call detects it, after 250 ms.
    expect(fired()).toEqual([250]);
    for (let call = 0; call < 20; call += 1) await browser.trpc.session.me.query();
    nowMs = 1_000;
    await fireUntil(browser.trpc.session.me.query());
    // One call probes again after a second.
    expect(fired()).toEqual([250, 250]);
    test.redis.resume();
  });

  it('do not return stored tokens for a refresh token with a forged signature', async () => {
    await using test = await start();
    await test.holder(test.first).trpc.session.refresh.mutate();
    const forged = `${test.tokens.refresh.slice(0, -4)}AAAA`;
    const browser = test.holder(test.second, { refresh: forged });
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('token_invalid');
  });
});
