import { describe, expect, it } from 'vitest';
import { createServerClient, refreshOnServer } from '../../../client/src/server.ts';
import { staleAfterMs, startPageServer } from '../../support/app/start-page-server.ts';
import { accessLifetimeMs, dialects } from '../../support/app/start-app.ts';
import { holdEndpoint } from '../../support/auth-service/hold-endpoint.ts';

/** The person that the BFF sees in requests with this `Cookie` header. */
const personOf = async (url: string, cookie: string) => {
  const { trpc } = createServerClient({ url, request: { headers: { cookie } } });
  return (await trpc.session.me.query()).user.id;
};

describe.each(dialects)('refreshOnServer before the %s service', (dialect) => {
  const lifetimeMs = accessLifetimeMs[dialect];
  const start = () => startPageServer({ dialect });

  it('asks the BFF once about a session that is not due, and sets nothing', async () => {
    await using page = await start();
    const result = await page.open(`theme=dark; ${page.cookie}`);
    expect(result).toMatchObject({ state: 'signed_in', session: { user: { id: 123, type: 'staff' } } });
    expect(result.session?.expiresAt).toEqual(new Date(page.clock.now() + lifetimeMs));
    expect(result).toMatchObject({ setCookies: [], cookie: `theme=dark; ${page.cookie}` });
    expect(page.paths()).toEqual(['session.current']);
  });

  it('refreshes the session, and its cookie serves the rest of the request', async () => {
    await using page = await start();
    page.clock.advance(staleAfterMs[dialect]);
    const result = await page.open(`theme=dark; ${page.cookie}; b=2`);
    expect(result).toMatchObject({ state: 'signed_in', session: { user: { id: 123 } } });
    expect(page.paths()).toEqual(['session.current', 'session.refresh']);
    expect(result.cookie).toMatch(/^theme=dark; .*b=2/);
    expect(result.cookie).not.toContain(page.tokens.access);
    expect(await personOf(page.trpcUrl, result.cookie)).toBe(123);
  });

  it('returns the Set-Cookie lines of the BFF to the letter', async () => {
    await using page = await start();
    page.clock.advance(staleAfterMs[dialect]);
    const { setCookies } = await page.open();
    expect(setCookies).toEqual(page.calls[1]?.response?.headers.getSetCookie());
    expect(setCookies[0]).toMatch(/^access_token=ey[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });

  it('refreshes a session that is about to expire, by the times of the BFF and not of this server', async () => {
    await using page = await start();
    // Within the threshold of the BFF's clock. This process's clock has not moved.
    page.clock.advance((lifetimeMs * 2) / 3 + 1_000);
    const result = await page.open();
    expect(page.paths()).toEqual(['session.current', 'session.refresh']);
    expect(result.session?.expiresAt).toEqual(new Date(page.clock.now() + lifetimeMs));
    expect(result.setCookies.length).toBeGreaterThan(0);
  });

  it('leaves a valid session without a refresh token as it is', async () => {
    await using page = await start();
    page.clock.advance((lifetimeMs * 2) / 3 + 1_000);
    const result = await page.open(`access_token=${page.tokens.access}`);
    expect(result).toMatchObject({ state: 'signed_in', setCookies: [] });
    expect(page.paths()).toEqual(['session.current']);
  });

  it('causes one refresh for parallel pages with one old token, and all get working cookies', async () => {
    await using page = await start();
    page.clock.advance(staleAfterMs[dialect]);
    const results = await Promise.all(Array.from({ length: 4 }, () => page.open()));
    expect(page.authService.count('refresh')).toBe(1);
    expect(results.map(({ state }) => state)).toEqual(Array.from({ length: 4 }, () => 'signed_in'));
    for (const { cookie, setCookies } of results) {
      expect(setCookies).toEqual(results[0]?.setCookies);
      expect(await personOf(page.trpcUrl, cookie)).toBe(123);
    }
  });

  it('signs out a person whose refresh is refused, and passes on the deletions of the BFF', async () => {
    await using page = await start();
    page.clock.advance(staleAfterMs[dialect]);
    page.authService.fault('refresh', { kind: 'status', status: 401, body: '{"detail":"Token is blacklisted"}' });
    const result = await page.open(`theme=dark; ${page.cookie}`);
    expect(result).toMatchObject({ state: 'signed_out', session: null, cookie: 'theme=dark' });
    expect(result.setCookies).toEqual(page.calls[1]?.response?.headers.getSetCookie());
    expect(result.setCookies.join('\n')).toMatch(/^access_token=;.*\n(.*\n)*refresh_token=;/m);
  });

  it('signs out a person who signs out during the refresh, and revives nothing', async () => {
    await using page = await start();
    page.clock.advance(staleAfterMs[dialect]);
    const gate = holdEndpoint(page.authService, 'refresh');
    const opened = page.open();
    await gate.held;
    await page.browser.trpc.session.logout.mutate();
    gate.release();
    const result = await opened;
    expect(result).toMatchObject({ state: 'signed_out', session: null });
    expect(result.setCookies.join()).not.toMatch(/_token=ey/);
  });

  it('signs out a person who has signed out before', async () => {
    await using page = await start();
    await page.browser.trpc.session.logout.mutate();
    expect(await page.open()).toMatchObject({ state: 'signed_out', session: null });
    expect(page.authService.count('refresh')).toBe(0);
  });

  it('refreshes the session of an employee', async () => {
    await using page = await startPageServer({ dialect, subject: { type: 'employee', id: 1 } });
    page.clock.advance(staleAfterMs[dialect]);
    const result = await page.open();
    expect(result).toMatchObject({ state: 'signed_in', session: { user: { id: 1, type: 'employee' } } });
    expect(await personOf(page.trpcUrl, result.cookie)).toBe(1);
  });

  it('replaces duplicates of a cookie by the one new value', async () => {
    await using page = await start();
    page.clock.advance(1_000);
    const newer = await page.authService.issue({ type: 'staff', id: 123 });
    page.clock.advance(staleAfterMs[dialect]);
    const result = await page.open(
      `${page.cookie}; access_token=${newer.access}; refresh_token=${newer.refresh}; access_token=""`,
    );
    expect(result.state).toBe('signed_in');
    expect(result.cookie.match(/access_token=/g)).toHaveLength(1);
    expect(await personOf(page.trpcUrl, result.cookie)).toBe(123);
  });
});

describe('refreshOnServer', () => {
  it('reports signed_out if the Auth Service refuses to refresh an expired session', async () => {
    await using page = await startPageServer({ dialect: 'deployed' });
    page.clock.advance(accessLifetimeMs.deployed + 1_000);
    expect(await page.open()).toMatchObject({ state: 'signed_out', session: null, cookie: '' });
  });

  it('refreshes a session whose access cookie the browser has dropped', async () => {
    await using page = await startPageServer();
    const result = await page.open(`refresh_token=${page.tokens.refresh}`);
    expect(result.state).toBe('signed_in');
    expect(await personOf(page.trpcUrl, result.cookie)).toBe(123);
  });

  it('keeps the state unknown for a superseded token, because the browser has newer cookies', async () => {
    await using page = await startPageServer();
    await page.open();
    page.clock.advance(accessLifetimeMs.guide + 1_000);
    const { cookie } = await page.open();
    // Longer than the BFF repeats the result of an exchange, and the new session has not expired.
    page.clock.advance(60_000);
    expect(await page.open()).toEqual({ state: 'unknown', session: null, setCookies: [], cookie: page.cookie });
    expect(await page.open(cookie)).toMatchObject({ state: 'signed_in' });
  });

  it.each([
    ['no cookies', ''],
    ['cookies of the application only', 'theme=dark; access_tokens=1; xaccess_token=2'],
    ['deleted cookies', 'access_token=; refresh_token=""'],
  ])('finds a visitor with %s signed out without a call', async (_name, cookie) => {
    await using page = await startPageServer();
    expect(await page.open(cookie)).toEqual({ state: 'signed_out', session: null, setCookies: [], cookie });
    expect(page.calls).toEqual([]);
  });

  it.each([
    'access_token=garbage',
    'access_token=a.b.c; refresh_token=d.e.f',
    'refresh_token=%00%ff',
    'access_token="; DROP TABLE',
    'access_token',
  ])('signs out a browser with the cookies %s, and does not throw', async (cookie) => {
    await using page = await startPageServer();
    expect(await page.open(cookie)).toMatchObject({ state: 'signed_out', session: null });
    expect(page.authService.count('refresh')).toBe(0);
  });

  it('finds out the person of a Bearer token, and never refreshes it', async () => {
    await using page = await startPageServer();
    page.clock.advance((accessLifetimeMs.guide * 2) / 3 + 1_000);
    const request = { headers: { authorization: `Bearer ${page.tokens.access}` } };
    const result = await refreshOnServer({ url: page.trpcUrl, request, fetch: page.recorded });
    expect(result).toMatchObject({ state: 'signed_in', session: { user: { id: 123 } }, setCookies: [], cookie: '' });
    expect(page.paths()).toEqual(['session.current']);
  });

  it('rejects a relative url, which is a mistake and no outage', async () => {
    await expect(refreshOnServer({ url: '/trpc', request: new Request('https://app.test') })).rejects.toThrow(
      'must be absolute',
    );
  });
});
