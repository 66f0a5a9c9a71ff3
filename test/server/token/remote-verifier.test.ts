import { describe, expect, it } from 'vitest';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { createClock, dialects, startApp, type StartAppOptions } from '../../support/app/start-app.ts';
import { johnsCredentials } from '../../support/app/people.ts';

const sealingKey = 'a-sealing-key-that-is-long-enough-0123456789';
const startRemote = (options: StartAppOptions) =>
  startApp({
    ...options,
    env: { TOKEN_VALIDATION: 'remote', SEALING_KEY: sealingKey, DJANGO_JWT_SIGNING_KEY: '', ...options.env },
  });

/** The same claims, with a forged signature. */
const forge = (token: string) => `${token.split('.').slice(0, 2).join('.')}.${'A'.repeat(43)}`;

describe.each(dialects)('remote validation with the %s dialect', (dialect) => {
  it('supports sign-in, lookup, refresh and sign-out without the signing key', async () => {
    await using app = await startRemote({ dialect });
    const browser = app.browser();
    await browser.trpc.session.login.mutate(johnsCredentials);
    expect((await browser.trpc.users.byId.query({ id: 123 })).email).toBe('user@example.com');
    expect((await browser.trpc.session.refresh.mutate()).user.id).toBe(123);
    await browser.trpc.session.logout.mutate();
    expect(await reasonOf(browser.trpc.session.me.query())).toBe('no_token');
  });

  it('rejects a forged token', async () => {
    await using app = await startRemote({ dialect });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const browser = app.browser();
    browser.holdTokens({ access: forge(access) });
    expect(await reasonOf(browser.trpc.users.byId.query({ id: 123 }))).toBe('token_invalid');
    expect(app.authService.count('user')).toBe(0);
    expect(app.authService.count('unknown')).toBe(0);
  });

  it('validates a token once for parallel requests, and again only after 30 seconds', async () => {
    const clock = createClock();
    await using app = await startRemote({ dialect, now: clock.now });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const browser = app.browser();
    browser.holdTokens({ access });
    await Promise.all(Array.from({ length: 30 }, () => browser.fetch(`${app.url}/trpc/session.me`)));
    expect(app.authService.count('validate')).toBe(1);
    clock.advance(29_999);
    await browser.trpc.session.me.query();
    expect(app.authService.count('validate')).toBe(1);
    clock.advance(1);
    await browser.trpc.session.me.query();
    expect(app.authService.count('validate')).toBe(2);
  });

  it('never caches a token beyond its exp', async () => {
    const clock = createClock();
    await using app = await startRemote({ dialect, now: clock.now, authService: { accessLifetimeSeconds: 10 } });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const browser = app.browser();
    browser.holdTokens({ access });
    await browser.trpc.session.me.query();
    clock.advance(10_000);
    expect(await reasonOf(browser.trpc.session.me.query())).toBe('token_expired');
    expect(app.authService.count('validate')).toBe(1);
  });

  it('reports an outage instead of a sign-out while the Auth Service is unavailable', async () => {
    await using app = await startRemote({ dialect });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const browser = app.browser();
    browser.holdTokens({ access });
    for (const fault of [{ kind: 'status', status: 503 }, { kind: 'reset' }] as const) {
      app.authService.fault('validate', fault);
      expect(await errorDataOf(browser.trpc.session.me.query())).toMatchObject({
        code: 'SERVICE_UNAVAILABLE',
        reason: 'auth_service_unavailable',
      });
    }
    expect(browser.setCookies).toEqual([]);
    app.authService.clearFaults();
    expect((await browser.trpc.session.me.query()).user.id).toBe(123);
  });

  it.each([
    ['a page in HTML', { body: '<html>sign in</html>', contentType: 'text/html' }],
    ['an empty object', { body: '{}' }],
    ['a list', { body: '[]' }],
  ])('does not treat %s as acceptance', async (_name, answer) => {
    await using app = await startRemote({ dialect });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const browser = app.browser();
    browser.holdTokens({ access });
    app.authService.fault('validate', { kind: 'body', contentType: 'application/json', ...answer });
    expect(await reasonOf(browser.trpc.session.me.query())).toBe('auth_service_contract');
  });

  it.each([
    ['says no', '{"valid":false}'],
    ['means another person', '{"valid":true,"user_id":5,"user_type":"staff"}'],
    ['means another type of person', '{"valid":true,"user_id":123,"user_type":"employee"}'],
  ])('rejects the token if the Auth Service %s', async (_name, body) => {
    await using app = await startRemote({ dialect });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const browser = app.browser();
    browser.holdTokens({ access });
    app.authService.fault('validate', { kind: 'body', body });
    expect(await reasonOf(browser.trpc.session.me.query())).toBe('token_invalid');
  });

  it('follows no redirect', async () => {
    await using app = await startRemote({ dialect });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const browser = app.browser();
    browser.holdTokens({ access });
    app.authService.fault('validate', { kind: 'status', status: 302, headers: { location: '/login/' } });
    expect(await reasonOf(browser.trpc.session.me.query())).toBe('token_invalid');
    expect(app.authService.count()).toBe(1);
  });

  it('rejects a token that still needs a second factor even if the Auth Service accepts it', async () => {
    await using app = await startRemote({ dialect });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 }, { temp_otp_login: true });
    const browser = app.browser();
    browser.holdTokens({ access });
    expect(await reasonOf(browser.trpc.session.me.query())).toBe('token_invalid');
    expect(app.authService.count()).toBe(0);
  });

  it('distinguishes an employee from the staff user with the same id', async () => {
    await using app = await startRemote({ dialect });
    const browser = app.browser();
    browser.holdTokens(await app.authService.issue({ type: 'employee', id: 1 }));
    expect((await browser.trpc.session.me.query()).user).toMatchObject({ id: 1, type: 'employee' });
    // The endpoint that would take them for the staff user was never asked.
    expect(app.authService.count('validate')).toBe(0);
    expect(app.authService.count('me')).toBe(1);
    expect(app.authService.count('employee-profile')).toBe(dialect === 'guide' ? 1 : 0);
  });
});
