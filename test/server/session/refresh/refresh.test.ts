import { describe, expect, it, vi } from 'vitest';
import type { EmbeddedAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import { errorDataOf, reasonOf } from '../../../support/app/browser.ts';
import { holdEndpoint } from '../../../support/auth-service/hold-endpoint.ts';
import { pastDeadlineAt } from '../../../support/time/past-deadline.ts';
import { accessLifetimeMs, dialects, startApp } from '../../../support/app/start-app.ts';
import { startSignedIn } from '../../../support/app/start-signed-in.ts';

const staff = { type: 'staff', id: 123 } as const;

/** Resolves once the Auth Service has received `count` calls. */
const asked = (authService: EmbeddedAuthService, endpoint: string, count: number) =>
  vi.waitFor(() => expect(authService.count(endpoint)).toBeGreaterThanOrEqual(count));

describe.each(dialects)('refreshing against the %s dialect', (dialect) => {
  it('returns a new session and sets its token as a cookie', async () => {
    await using test = await startSignedIn({ dialect });
    const { browser, clock, tokens } = test;
    const lifetimeMs = accessLifetimeMs[dialect];
    clock.advance((lifetimeMs * 2) / 3);
    const session = await browser.trpc.session.refresh.mutate();
    expect(session.user.id).toBe(123);
    expect(session.expiresAt.getTime()).toBe(clock.now() + lifetimeMs);
    expect(browser.cookies.get('access_token')).not.toBe(tokens.access);
    expect(browser.lastAnswer().headers.get('x-session-expires-in')).toBe(String(lifetimeMs / 1000));
    clock.advance((lifetimeMs * 2) / 3);
    expect((await browser.trpc.session.me.query()).user.id).toBe(123);
  });

  it('calls the Auth Service once for parallel requests with the same refresh token', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, tokens, clock } = test;
    clock.advance((accessLifetimeMs[dialect] * 2) / 3);
    const calls = Array.from({ length: 8 }, async () => {
      const browser = app.browser();
      browser.holdTokens(tokens);
      const session = await browser.trpc.session.refresh.mutate();
      return { id: session.user.id, access: browser.cookies.get('access_token') };
    });
    const answers = await Promise.all(calls);
    expect(app.authService.count('refresh')).toBe(1);
    expect(answers.every(({ id }) => id === 123)).toBe(true);
    const [access, ...others] = new Set(answers.map((answer) => answer.access));
    expect(others).toEqual([]);
    expect(access).not.toBe(tokens.access);
  });

  it('gives later requests with the same token the same cookies for 30 seconds', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser, tokens, clock } = test;
    await browser.trpc.session.refresh.mutate();
    clock.advance(29_000);
    const loser = app.browser();
    loser.holdTokens(tokens);
    await loser.trpc.session.refresh.mutate();
    expect(loser.cookies).toEqual(browser.cookies);
    expect(app.authService.count('refresh')).toBe(1);
  });

  it('keeps the session during a 5xx, a timeout and a reset, and refreshes after the Auth Service recovers', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser } = test;
    for (const fault of [
      { kind: 'status', status: 500 },
      { kind: 'status', status: 429 },
      { kind: 'hang' },
      { kind: 'reset' },
    ] as const) {
      app.authService.fault('refresh', fault);
      const refresh = () => errorDataOf(browser.trpc.session.refresh.mutate());
      const data = await (fault.kind === 'hang' ? pastDeadlineAt(app, 'refresh', refresh) : refresh());
      expect(data).toMatchObject({ code: 'SERVICE_UNAVAILABLE', reason: 'auth_service_unavailable' });
      expect(data.retryAfterSeconds).toBeGreaterThan(0);
      expect(browser.setCookies).toEqual([]);
    }
    app.authService.clearFaults();
    expect((await browser.trpc.session.refresh.mutate()).user.id).toBe(123);
  });

  it('clears the cookies if the Auth Service rejects the refresh token', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser } = test;
    app.authService.fault('refresh', { kind: 'status', status: 401, body: '{"detail":"Token is blacklisted"}' });
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('session_ended');
    expect(browser.cookies.size).toBe(0);
  });

  it('stays signed out after a sign-out during a refresh', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser, tokens } = test;
    const gate = holdEndpoint(app.authService, 'refresh');
    const other = app.browser();
    other.holdTokens(tokens);
    const refresh = reasonOf(other.trpc.session.refresh.mutate());
    await gate.held;
    await browser.trpc.session.logout.mutate();
    gate.release();

    expect(await refresh).toBe('session_ended');
    expect(other.setCookies.join()).not.toMatch(/access_token=ey/);
    for (const held of [tokens, { access: tokens.access }]) {
      const late = app.browser();
      late.holdTokens(held);
      expect(await reasonOf(late.trpc.session.me.query())).toBe('session_ended');
    }
    const late = app.browser();
    late.holdTokens(tokens);
    expect(await reasonOf(late.trpc.session.refresh.mutate())).toBe('session_ended');
    // The BFF revokes the discarded tokens upstream.
    await asked(app.authService, 'staff-logout', 2);
  });

  it('stays signed out if the old cookies arrive after a sign-out with the new ones', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser, tokens } = test;
    await browser.trpc.session.refresh.mutate();
    const renewed = { access: browser.cookies.get('access_token'), refresh: browser.cookies.get('refresh_token') };
    await browser.trpc.session.logout.mutate();
    expect(browser.cookies.size).toBe(0);
    const refreshes = app.authService.count('refresh');
    for (const held of [tokens, renewed]) {
      const late = app.browser();
      late.holdTokens(held);
      expect(await reasonOf(late.trpc.session.me.query())).toBe('session_ended');
      expect(await reasonOf(late.trpc.session.refresh.mutate())).toBe('session_ended');
      // So soon after the exchange, the request may be a straggler, and the browser may hold newer cookies.
      expect(late.setCookies).toEqual([]);
    }
    test.clock.advance(30_000);
    for (const held of [tokens, renewed]) {
      const later = app.browser();
      later.holdTokens(held);
      expect(await reasonOf(later.trpc.session.refresh.mutate())).toBe('session_ended');
      // A token that was never exchanged came with a late response, and would otherwise be sent for ever.
      const wasExchanged = dialect === 'guide' && held === tokens;
      expect(later.cookies.size).toBe(wasExchanged ? 2 : 0);
    }
    expect(app.authService.count('refresh')).toBe(refreshes);
  });

  it('revokes the tokens of a later refresh if the sign-out presents older cookies', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser, tokens } = test;
    await browser.trpc.session.refresh.mutate();
    const older = app.browser();
    older.holdTokens(tokens);
    await older.trpc.session.logout.mutate();
    expect(await reasonOf(browser.trpc.session.me.query())).toBe('session_ended');
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('session_ended');
  });

  it('signs out and clears the cookies while the Auth Service is down', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser, tokens } = test;
    await app.authService.close();
    expect(await browser.trpc.session.logout.mutate()).toBeNull();
    expect(browser.cookies.size).toBe(0);
    const late = app.browser();
    late.holdTokens(tokens);
    expect(await reasonOf(late.trpc.session.me.query())).toBe('session_ended');
  });

  it('signs out one session and keeps the other sessions of the person', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser } = test;
    const elsewhere = app.browser();
    elsewhere.holdTokens(await app.authService.issue(staff));
    await browser.trpc.session.logout.mutate();
    expect((await elsewhere.trpc.session.me.query()).user.id).toBe(123);
    expect((await elsewhere.trpc.session.refresh.mutate()).user.id).toBe(123);
  });

  it('rejects an access token and a refresh token of different people, and clears both', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser } = test;
    const { access } = await app.authService.issue({ type: 'staff', id: 5 });
    browser.holdTokens({ access });
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('session_ended');
    expect(browser.cookies.size).toBe(0);
    expect(app.authService.count('refresh')).toBe(0);
  });

  it('discards both tokens and logs an error if the new token belongs to another person', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser } = test;
    const foreign = await app.authService.issue({ type: 'staff', id: 5 });
    app.authService.fault('refresh', {
      kind: 'transform',
      answer: (answer) => ({
        ...answer,
        headers: { ...answer.headers, 'set-cookie': [`access_token=${foreign.access}; Path=/`] },
      }),
    });
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('session_ended');
    expect(browser.cookies.size).toBe(0);
    expect(browser.setCookies.join()).not.toContain(foreign.access);
    expect(app.logLines.some(({ msg }) => /another person/.test(String(msg)))).toBe(true);

    app.authService.clearFaults();
    const again = app.browser();
    again.holdTokens({ refresh: test.tokens.refresh });
    expect(await reasonOf(again.trpc.session.refresh.mutate())).toBe('session_ended');
    expect(app.authService.count('refresh')).toBe(1);
  });

  it('keeps a session alive for a day with a refresh before each expiry', async () => {
    // Longer lifetimes than in production, so that a day takes 12 refreshes.
    await using test = await startSignedIn({ dialect, authService: { accessLifetimeSeconds: 10_800 } });
    const { browser, clock } = test;
    const beforeExpiryMs = 7_200_000;
    for (let elapsed = 0; elapsed < 86_400_000; elapsed += beforeExpiryMs) {
      clock.advance(beforeExpiryMs);
      await browser.trpc.session.refresh.mutate();
    }
    expect((await browser.trpc.session.me.query()).user.id).toBe(123);
  });

  it.each([
    ['a request without a refresh token', undefined, 'no_token', 0],
    ['a forged refresh token', 'eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxfQ.c2lnbmF0dXJl', 'token_invalid', 1],
  ])('rejects %s', async (_name, refresh, reason, cleared) => {
    await using app = await startApp({ dialect });
    const browser = app.browser();
    browser.holdTokens({ refresh });
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe(reason);
    expect(browser.setCookies.length > 0 ? 1 : 0).toBe(cleared);
    expect(app.authService.count()).toBe(0);
  });

  it('ends a session whose refresh token has expired', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser, clock } = test;
    clock.advance(7 * 86_400_000);
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('session_ended');
    expect(browser.cookies.size).toBe(0);
    expect(app.authService.count('refresh')).toBe(0);
  });

  it('keeps the cookies if the Auth Service responds with an HTML page', async () => {
    await using test = await startSignedIn({ dialect });
    const { app, browser } = test;
    for (const status of [200, 400, 403]) {
      app.authService.fault('refresh', {
        kind: 'status',
        status,
        body: '<html>proxy</html>',
        contentType: 'text/html',
      });
      expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('auth_service_contract');
    }
    expect(browser.setCookies).toEqual([]);
  });
});

describe('if the Auth Service blacklists each refresh token at its first use', () => {
  it('a late request with an exchanged token gets refresh_superseded and keeps its cookies', async () => {
    await using test = await startSignedIn();
    const { app, browser, tokens, clock } = test;
    await browser.trpc.session.refresh.mutate();
    clock.advance(30_000);
    const loser = app.browser();
    loser.holdTokens(tokens);
    expect(await errorDataOf(loser.trpc.session.refresh.mutate())).toMatchObject({
      code: 'UNAUTHORIZED',
      reason: 'refresh_superseded',
    });
    expect(loser.setCookies).toEqual([]);
    expect(app.authService.count('refresh')).toBe(1);
    expect((await browser.trpc.session.me.query()).user.id).toBe(123);
  });

  it('a refresh succeeds with an expired access token and without one', async () => {
    await using test = await startSignedIn();
    const { app, browser, clock, tokens } = test;
    clock.advance(901_000);
    expect(await reasonOf(browser.trpc.session.me.query())).toBe('token_expired');
    await browser.trpc.session.refresh.mutate();
    expect((await browser.trpc.session.me.query()).user.id).toBe(123);

    const onlyRefresh = app.browser();
    onlyRefresh.holdTokens({ refresh: browser.cookies.get('refresh_token') });
    expect(await reasonOf(onlyRefresh.trpc.session.me.query())).toBe('token_expired');
    expect((await onlyRefresh.trpc.session.refresh.mutate()).user.id).toBe(123);
    expect(tokens.refresh).not.toBe(browser.cookies.get('refresh_token'));
  });

  it('a refresh of an employee returns an employee', async () => {
    await using app = await startApp();
    const browser = app.browser();
    browser.holdTokens(await app.authService.issue({ type: 'employee', id: 1 }));
    expect((await browser.trpc.session.refresh.mutate()).user).toMatchObject({ id: 1, type: 'employee' });
  });
});

describe('if the Auth Service needs a valid access token for a refresh and does not rotate refresh tokens', () => {
  it('the person must sign in again after the access token has expired', async () => {
    await using test = await startSignedIn({ dialect: 'deployed' });
    const { browser, clock } = test;
    clock.advance(accessLifetimeMs.deployed);
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('session_ended');
    expect(browser.cookies.size).toBe(0);
  });

  it('the same refresh token is sent at each refresh, and is never superseded', async () => {
    await using test = await startSignedIn({ dialect: 'deployed' });
    const { app, browser, clock } = test;
    await browser.trpc.session.refresh.mutate();
    clock.advance(31_000);
    await browser.trpc.session.refresh.mutate();
    expect(app.authService.count('refresh')).toBe(2);
  });
});

it('the BFF falls back to the older refresh endpoints if there is no common one', async () => {
  await using test = await startSignedIn({ dialect: 'deployed' });
  const { app, browser } = test;
  app.authService.fault('refresh', {
    kind: 'status',
    status: 404,
    body: '<h1>Not Found</h1>',
    contentType: 'text/html',
  });
  expect((await browser.trpc.session.refresh.mutate()).user).toMatchObject({ id: 123, type: 'staff' });
  expect(app.authService.count('staff-refresh')).toBe(1);

  const employee = app.browser();
  employee.holdTokens(await app.authService.issue({ type: 'employee', id: 1 }));
  expect((await employee.trpc.session.refresh.mutate()).user).toMatchObject({ id: 1, type: 'employee' });
  expect(app.authService.count('employee-refresh')).toBe(1);
  expect(app.authService.count('staff-refresh')).toBe(1);
});
