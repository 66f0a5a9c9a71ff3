import { describe, expect, it, vi } from 'vitest';
import { isAuthError, reasonOf } from '../../../client/src/index.ts';
import { createServerClient, refreshOnServer } from '../../../client/src/server.ts';
import { staleAfterMs, startPageServer } from '../../support/app/start-page-server.ts';
import { accessLifetimeMs, dialects } from '../../support/app/start-app.ts';

describe.each(dialects)('createServerClient before the %s service', (dialect) => {
  it('makes calls as the person of the request, and keeps two visitors apart', async () => {
    await using page = await startPageServer({ dialect });
    const other = await page.authService.issue({ type: 'staff', id: 5 });
    const clientOf = (token: string) =>
      createServerClient({ url: page.trpcUrl, request: { headers: { cookie: `access_token=${token}` } } });
    const clients = [clientOf(page.tokens.access), clientOf(other.access)];
    const sessions = await Promise.all(clients.map(({ trpc }) => trpc.session.me.query()));
    expect(sessions.map(({ user }) => user.id)).toEqual([123, 5]);
    expect(clients.map(({ session }) => session.current.user?.id)).toEqual([123, 5]);
  });

  it('never refreshes, whatever is called', async () => {
    await using page = await startPageServer({ dialect });
    page.clock.advance(accessLifetimeMs[dialect] + 1_000);
    const request = { headers: { cookie: page.cookie } };
    const { trpc, session } = createServerClient({ url: page.trpcUrl, request, fetch: page.recorded });
    expect(await trpc.users.me.query().catch(reasonOf)).toBe('token_expired');
    // The session has not ended: the browser can refresh it.
    expect(await session.load()).toMatchObject({ state: 'signed_in', user: null });
    await expect(session.refresh()).rejects.toThrow('cannot refresh');
    expect(await trpc.session.current.query()).toEqual({ state: 'expired' });
    expect(page.paths()).not.toContain('session.refresh');
    expect(page.authService.count('refresh')).toBe(0);
  });

  it('works with the cookie of refreshOnServer', async () => {
    await using page = await startPageServer({ dialect });
    page.clock.advance(staleAfterMs[dialect]);
    const { cookie } = await page.open();
    const { trpc } = createServerClient({ url: page.trpcUrl, request: { headers: { cookie } } });
    expect((await trpc.users.me.query()).id).toBe(123);
  });
});

describe('createServerClient', () => {
  it('finds out by session.load() who is signed in', async () => {
    await using page = await startPageServer();
    const open = (cookie: string) => createServerClient({ url: page.trpcUrl, request: { headers: { cookie } } });
    expect(await open(page.cookie).session.load()).toMatchObject({ state: 'signed_in', user: { id: 123 } });
    expect(await open('').session.load()).toMatchObject({ state: 'signed_out' });
  });

  it('finds a visitor without cookies signed out', async () => {
    await using page = await startPageServer();
    const { trpc } = createServerClient({ url: page.trpcUrl, request: new Request('https://app.test') });
    expect(await trpc.session.current.query()).toEqual({ state: 'signed_out' });
    const error = await trpc.users.me.query().catch((cause: unknown) => cause);
    expect(isAuthError(error)).toBe(true);
  });

  it('opens no channel, takes no lock and sets no timer of its own', async () => {
    await using page = await startPageServer();
    const channel = vi.fn<() => void>();
    vi.stubGlobal('BroadcastChannel', channel);
    const delays: (number | undefined)[] = [];
    const original = setTimeout;
    vi.stubGlobal('setTimeout', (task: () => void, delayMs?: number) => {
      delays.push(delayMs);
      return original(task, delayMs);
    });
    try {
      const request = { headers: { cookie: page.cookie } };
      const answer = async () => Response.json([{ result: { data: { json: null } } }]);
      await createServerClient({ url: page.trpcUrl, request, fetch: answer }).trpc.status.get.query();
    } finally {
      vi.unstubAllGlobals();
    }
    expect(channel).not.toHaveBeenCalled();
    // Calls of one tick are one batch.
    expect(delays).toEqual([undefined]);
  });

  it('lets no cache keep an answer, follows no redirect, and leaves out what some runtimes reject', async () => {
    await using page = await startPageServer();
    await page.open();
    const request = { headers: { cookie: page.cookie } };
    await createServerClient({ url: page.trpcUrl, request, fetch: page.recorded }).trpc.session.me.query();
    expect(page.calls).toHaveLength(2);
    for (const { init } of page.calls) {
      expect(init).toMatchObject({ cache: 'no-store', redirect: 'manual' });
      expect(init).not.toHaveProperty('credentials');
    }
  });

  it('rejects a relative url at once, and leaves it to a fetch of the caller', async () => {
    const request = { headers: {} };
    expect(() => createServerClient({ url: '/trpc', request })).toThrow('must be absolute');
    const fetch = vi.fn<() => Promise<Response>>(async () => Response.json({}));
    await refreshOnServer({ url: '/trpc/', request: { headers: { cookie: 'access_token=a' } }, fetch });
    expect(fetch).toHaveBeenCalledWith('/trpc/session.current', expect.anything());
  });
});
