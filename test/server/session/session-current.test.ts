import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../support/app/browser.ts';
import { createClock, dialects, startApp } from '../../support/app/start-app.ts';

describe.each(dialects)('session.current with the %s service', (dialect) => {
  const start = async () => {
    const clock = createClock();
    const app = await startApp({ dialect, now: clock.now });
    const browser = app.browser();
    const tokens = await app.authService.issue({ type: 'staff', id: 123 });
    return { app, clock, browser, tokens, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
  };

  it('answers a visitor without a session with status 200', async () => {
    await using test = await start();
    const { browser } = test;
    expect(await browser.trpc.session.current.query()).toEqual({ state: 'signed_out' });
    expect(browser.lastAnswer().status).toBe(200);
    expect(browser.lastAnswer().headers.get('x-session-user')).toBeNull();
  });

  it('returns the session of the signed-in person', async () => {
    await using test = await start();
    const { browser, tokens } = test;
    browser.holdTokens(tokens);
    const answer = await browser.trpc.session.current.query();
    expect(answer).toEqual({ state: 'signed_in', session: await browser.trpc.session.me.query() });
    expect(browser.lastAnswer().headers.get('x-session-user')).toBe('staff:123');
  });

  it('answers expired only if the request presents a refresh token', async () => {
    await using test = await start();
    const { browser, tokens, clock } = test;
    browser.holdTokens(tokens);
    clock.advance(900_000);
    expect(await browser.trpc.session.current.query()).toEqual({ state: 'expired' });
    browser.cookies.delete('access_token');
    expect(await browser.trpc.session.current.query()).toEqual({ state: 'expired' });
    browser.cookies.delete('refresh_token');
    browser.holdTokens({ access: tokens.access });
    expect(await browser.trpc.session.current.query()).toEqual({ state: 'signed_out' });
  });

  it('answers signed_out for an invalid token and for a session that was signed out', async () => {
    await using test = await start();
    const { browser, tokens, app } = test;
    browser.holdTokens({ access: `${tokens.access}x`, refresh: tokens.refresh });
    expect(await browser.trpc.session.current.query()).toEqual({ state: 'signed_out' });
    browser.holdTokens(tokens);
    const other = app.browser();
    other.holdTokens(tokens);
    await other.trpc.session.logout.mutate();
    expect(await browser.trpc.session.current.query()).toEqual({ state: 'signed_out' });
  });
});

it('session.current fails if an outage makes the state unknown', async () => {
  await using app = await startApp({
    env: { TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-that-is-long-enough-0123456789' },
  });
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue({ type: 'staff', id: 123 }));
  app.authService.fault('*', { kind: 'status', status: 500 });
  expect(await reasonOf(browser.trpc.session.current.query())).toBe('auth_service_unavailable');
});
