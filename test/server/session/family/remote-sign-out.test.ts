import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { type Browser, reasonOf } from '../../../support/app/browser.ts';
import { holdEndpoint } from '../../../support/auth-service/hold-endpoint.ts';
import { hasRedis } from '../../../support/redis/redis.ts';
import { accessLifetimeMs, dialects, startApp, type TestApp } from '../../../support/app/start-app.ts';
import { heldBy, type Replicas, startHeldReplicas } from '../../../support/processes/start-replicas.ts';
import { staffToken } from '../../../support/token/tokens.ts';
import { john, johnsCredentials as credentials } from '../../../support/app/people.ts';

const env = {
  TOKEN_VALIDATION: 'remote',
  SEALING_KEY: 'a-sealing-key-that-is-long-enough-0123456789',
  DJANGO_JWT_SIGNING_KEY: '',
};

const start = (options: Parameters<typeof startHeldReplicas>[0] = {}) =>
  startHeldReplicas({ ...options, env: { ...env, ...options.env } });

const me = (browser: Browser) =>
  browser.trpc.session.me.query().then(
    () => 'answered',
    (error: { data?: { reason?: string } }) => error.data?.reason,
  );
const refresh = (browser: Browser) => reasonOf(browser.trpc.session.refresh.mutate());

/** The keys about tokens, and no others such as the counters of limits. */
const tokenKeys = async ({ redis }: Pick<Replicas, 'redis'>) => {
  const client = new Redis(redis.url);
  const keys = await client.keys('auth-bff:*');
  client.disconnect();
  return keys.filter((key) => /^auth-bff:(chain|chain-of|ended|refresh):/.test(key));
};

/** A pair with genuine claims that the Auth Service never signed. */
const forgePair = (nowMs: number, claims: Record<string, unknown> = {}) => {
  const key = 'a-key-that-is-not-the-one-of-the-auth-service!!';
  return {
    access: staffToken(nowMs, { jti: crypto.randomUUID(), ...claims }, key),
    refresh: staffToken(nowMs, { jti: crypto.randomUUID(), token_type: 'refresh', ...claims }, key),
  };
};

const asked = ({ authService }: Pick<TestApp, 'authService'>, endpoint: string, count: number) =>
  vi.waitFor(() => expect(authService.count(endpoint)).toBe(count));

describe.skipIf(!hasRedis()).each(dialects)('a sign-out with remote validation, in the %s dialect', (dialect) => {
  it('with a token that was accepted before needs no validation and takes effect at the other replica', async () => {
    await using test = await start({ dialect });
    const browser = test.holder(test.first);
    expect(await me(browser)).toBe('answered');
    test.authService.resetCalls();
    await browser.trpc.session.logout.mutate();
    expect(test.authService.calls.map(({ endpoint }) => endpoint)).toEqual(['staff-logout']);
    expect(await me(test.holder(test.second))).toBe('session_ended');
    expect(await refresh(test.holder(test.second))).toBe('session_ended');
  });

  it('with an access token that no replica knows validates it and takes effect at the other replica', async () => {
    await using test = await start({ dialect });
    await test.holder(test.first).trpc.session.logout.mutate();
    expect(test.authService.calls.map(({ endpoint }) => endpoint)).toEqual(['validate', 'staff-logout']);
    expect(await me(test.holder(test.second))).toBe('session_ended');
    // The refresh token is accepted because of the access token beside it.
    expect(await refresh(test.holder(test.second, { refresh: test.tokens.refresh }))).toBe('session_ended');
  });

  it('with an expired access token ends the session that the other replica began', async () => {
    await using test = await start({ dialect });
    const browser = test.first.browser();
    await browser.trpc.session.login.mutate(credentials);
    const held = heldBy(browser);
    test.clock.advance(accessLifetimeMs[dialect]);
    test.authService.resetCalls();
    await test.holder(test.second, held).trpc.session.logout.mutate();
    expect(test.authService.calls.map(({ endpoint }) => endpoint)).toEqual(['staff-logout']);
    expect(await refresh(test.holder(test.first, held))).toBe('session_ended');
    expect(test.authService.count('refresh')).toBe(0);
  });

  it('with an expired access token and tokens that no replica knows is forwarded once', async () => {
    await using test = await start({ dialect });
    test.clock.advance(accessLifetimeMs[dialect]);
    const browser = test.holder(test.first);
    await browser.trpc.session.logout.mutate();
    expect(browser.cookies.size).toBe(0);
    expect(test.authService.calls.map(({ endpoint }) => endpoint)).toEqual(['staff-logout']);
    expect(await tokenKeys(test)).toEqual([]);
    // The guide's service has revoked the refresh token, the deployed one needs a valid access token.
    expect(await refresh(test.holder(test.second))).toBe('session_ended');
  });

  it('by made-up cookies, several of each, costs one call and leaves nothing in Redis', async () => {
    await using test = await start({ dialect });
    const pairs = Array.from({ length: 4 }, () => forgePair(test.clock.now()));
    const cookie = pairs
      .map(({ access, refresh: token }) => `access_token=${access}; refresh_token=${token}`)
      .join('; ');
    const browser = test.first.browser();
    const answer = await browser.fetch(`${test.first.url}/trpc/session.logout`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(200);
    expect(browser.setCookies.filter((line) => /^(access|refresh)_token=;/.test(line)).length).toBeGreaterThan(1);
    expect(test.authService.count()).toBe(1);
    expect(await tokenKeys(test)).toEqual([]);
  });

  it("works with the person's own tokens despite planted cookies beside them", async () => {
    await using test = await start({ dialect });
    expect(await me(test.holder(test.first))).toBe('answered');
    const planted = forgePair(test.clock.now() + 20_000);
    const own = test.tokens;
    const browser = test.first.browser();
    await browser.fetch(`${test.first.url}/trpc/session.logout`, {
      method: 'POST',
      headers: {
        cookie: `access_token=${planted.access}; refresh_token=${planted.refresh}; access_token=${own.access}; refresh_token=${own.refresh}`,
        'content-type': 'application/json',
      },
      body: '{}',
    });
    expect(await me(test.holder(test.second))).toBe('session_ended');
    expect(await refresh(test.holder(test.second, { refresh: own.refresh }))).toBe('session_ended');
  });

  it('during an outage of the Auth Service ends proven sessions, and clears the cookies of every caller', async () => {
    await using test = await start({ dialect });
    const known = test.first.browser();
    await known.trpc.session.login.mutate(credentials);
    const held = heldBy(known);
    test.authService.fault('*', { kind: 'status', status: 503 });
    const unknown = test.holder(test.first);
    for (const browser of [test.holder(test.second, held), unknown]) {
      await browser.trpc.session.logout.mutate();
      expect(browser.cookies.size).toBe(0);
    }
    test.authService.clearFaults();
    expect(await refresh(test.holder(test.first, held))).toBe('session_ended');
    // The BFF could not verify that the Auth Service had issued these.
    expect(await me(test.holder(test.second))).toBe('answered');
  });

  it('takes precedence over a refresh in flight in the same process, even with unproven tokens', async () => {
    await using test = await start({ dialect });
    const refreshEndpoint = holdEndpoint(test.authService, 'refresh');
    const late = test.holder(test.first);
    const refreshing = refresh(late);
    await refreshEndpoint.held;
    await test.holder(test.first, { refresh: test.tokens.refresh }).trpc.session.logout.mutate();
    refreshEndpoint.release();
    expect(await refreshing).toBe('session_ended');
    expect(late.setCookies).toEqual([]);
    // The issued tokens are revoked, and the old tokens are ended for the other replica, too.
    await asked(test.first, 'staff-logout', 2);
    expect(await refresh(test.holder(test.second))).toBe('session_ended');
    expect(test.authService.count('refresh')).toBe(1);
  });

  it('takes precedence over a refresh in flight at the other replica, even with unproven tokens', async () => {
    await using test = await start({ dialect });
    const refreshEndpoint = holdEndpoint(test.authService, 'refresh');
    const late = test.holder(test.first);
    const refreshing = refresh(late);
    await refreshEndpoint.held;
    await test.holder(test.second, { refresh: test.tokens.refresh }).trpc.session.logout.mutate();
    refreshEndpoint.release();
    expect(await refreshing).toBe('session_ended');
    expect(late.setCookies).toEqual([]);
    expect(await refresh(test.holder(test.second))).toBe('session_ended');
    expect(test.authService.count('refresh')).toBe(1);
  });

  it('ends an access token that was valid before the session was refreshed', async () => {
    await using test = await start({ dialect });
    const browser = test.holder(test.first);
    await browser.trpc.session.refresh.mutate();
    await browser.trpc.session.logout.mutate();
    expect(await me(test.holder(test.second, { access: test.tokens.access }))).toBe('session_ended');
  });
});

describe.skipIf(!hasRedis())('with remote validation', () => {
  it('a refresh with made-up tokens stores nothing in Redis', async () => {
    await using test = await start();
    for (let call = 0; call < 5; call += 1) {
      const browser = test.holder(test.first, forgePair(test.clock.now()));
      expect(await refresh(browser)).toBe('session_ended');
      expect(browser.cookies.size).toBe(0);
    }
    expect(test.authService.count()).toBe(5);
    expect(await tokenKeys(test)).toEqual([]);
  });

  it('a refresh of a seemingly deleted person revokes nothing for a made-up token', async () => {
    await using test = await start({ dialect: 'deployed' });
    test.authService.fault('refresh', { kind: 'status', status: 500 });
    const browser = test.holder(test.first, forgePair(test.clock.now(), { user_id: 987_654 }));
    expect(await refresh(browser)).toBe('session_ended');
    expect(test.authService.count('staff-internal')).toBe(1);
    expect(await tokenKeys(test)).toEqual([]);
  });

  it('a sign-in with made-up cookies stores no more in Redis than one without', async () => {
    await using test = await start();
    await test.first.browser().trpc.session.login.mutate(credentials);
    const before = (await tokenKeys(test)).length;
    const browser = test.holder(test.first, forgePair(test.clock.now()));
    await browser.trpc.session.login.mutate(credentials);
    expect((await tokenKeys(test)).length).toBe(2 * before);
  });

  it('a refresh in flight at one replica does not restore the earlier session after a sign-in at the other', async () => {
    await using test = await start();
    const refreshEndpoint = holdEndpoint(test.authService, 'refresh');
    const late = test.holder(test.first);
    const refreshing = refresh(late);
    await refreshEndpoint.held;
    await test.holder(test.second).trpc.session.login.mutate(credentials);
    refreshEndpoint.release();
    expect(await refreshing).toBe('refresh_superseded');
    expect(late.setCookies).toEqual([]);
  });

  it('made-up refresh tokens beside a proven access token are accepted 30 times a day', async () => {
    await using test = await start();
    const { access } = test.tokens;
    const signOut = () =>
      test.holder(test.first, { access, refresh: forgePair(test.clock.now()).refresh }).trpc.session.logout.mutate();
    await signOut();
    const first = (await tokenKeys(test)).length;
    for (let call = 1; call < 33; call += 1) await signOut();
    // One family for each accepted token.
    expect((await tokenKeys(test)).length).toBe(first + 29);
  });

  it('a person cannot end the session of another with a made-up refresh token', async () => {
    await using test = await start();
    const own = await test.authService.issue({ type: 'staff', id: 5 });
    await test.holder(test.first, { access: own.access, refresh: test.tokens.refresh }).trpc.session.logout.mutate();
    expect(await refresh(test.holder(test.second, own))).toBe('session_ended');
    expect((await test.holder(test.second).trpc.session.refresh.mutate()).user.id).toBe(john.id);
  });

  it('no entry about a token stays in Redis for longer than 7 days', async () => {
    await using test = await start({ authService: { refreshLifetimeSeconds: 30 * 86_400 } });
    const browser = test.first.browser();
    await browser.trpc.session.login.mutate(credentials);
    await browser.trpc.session.refresh.mutate();
    await browser.trpc.session.logout.mutate();
    const exp = 253_402_300_799;
    await test
      .holder(test.first, { access: test.tokens.access, refresh: forgePair(test.clock.now(), { exp }).refresh })
      .trpc.session.logout.mutate();
    const client = new Redis(test.redis.url);
    const lifetimesMs = await Promise.all((await tokenKeys(test)).map((key) => client.pttl(key)));
    client.disconnect();
    expect(lifetimesMs.length).toBeGreaterThan(8);
    expect(lifetimesMs.filter((ms) => ms < 0 || ms > 7 * 86_400_000)).toEqual([]);
  });

  it('refreshes of proven tokens count for the person, regardless of attempts from the same address', async () => {
    await using test = await start();
    const browser = test.first.browser();
    await browser.trpc.session.login.mutate(credentials);
    const reasons: string[] = [];
    for (let call = 0; call < 31; call += 1) {
      reasons.push(await refresh(test.holder(test.first, forgePair(test.clock.now()))));
    }
    expect(reasons.at(-1)).toBe('rate_limited');
    expect((await test.holder(test.second, heldBy(browser)).trpc.session.refresh.mutate()).user.id).toBe(john.id);
  });
});

it('a sign-out with remote validation and without Redis takes precedence over a refresh in flight', async () => {
  await using app = await startApp({ env });
  const { access, refresh: token } = await app.authService.issue(john);
  const late = app.browser();
  late.holdTokens({ access, refresh: token });
  const refreshEndpoint = holdEndpoint(app.authService, 'refresh');
  const refreshing = refresh(late);
  await refreshEndpoint.held;
  const browser = app.browser();
  browser.holdTokens({ refresh: token });
  await browser.trpc.session.logout.mutate();
  refreshEndpoint.release();
  expect(await refreshing).toBe('session_ended');
  expect(late.setCookies).toEqual([]);
  // The tokens of the discarded refresh are revoked.
  await asked(app, 'staff-logout', 2);
});
