import { dom, useDom } from '../../support/page/dom.ts';
import { QueryClient } from '@tanstack/react-query';
import { createElement, type FC, type ReactNode, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAuthClient, queryRetry } from '../../../client/src/index.ts';
import { AuthProvider, useAuthClient, useSession, useSignOut } from '../../../client/src/react.ts';
import { failOnComplaints } from '../../support/output/complaints.ts';
import { createFakeBff, ethan, john } from '../../support/page/fake-bff.ts';
import { createFakeChannels } from '../../support/page/fake-browser.ts';
import { Me } from '../../support/page/page-parts.ts';
import { createFakeClock } from '../../support/time/fake-clock.ts';

useDom();
failOnComplaints();

/** Renders all of `useSession()`. */
const Shown: FC = () => {
  const { state, user, isLoading } = useSession();
  return `${state} ${user?.fullName ?? 'nobody'}${isLoading ? ', loading' : ''}. `;
};

const closes: (() => void)[] = [];
afterEach(() => {
  for (const close of closes.splice(0)) close();
});

/** A BFF, and the tabs of one browser, whose time only the test advances. */
const startWorld = () => {
  const clock = createFakeClock();
  const bff = createFakeBff({ now: clock.now });
  const browser = bff.openBrowser();
  const channels = createFakeChannels({ clock });
  const open = () => {
    const client = createAuthClient({
      url: 'https://app.test/trpc',
      fetch: browser.fetch,
      clock,
      random: () => 0,
      retry: false,
      locks: null,
      channel: channels.open(),
    });
    const queryClient = new QueryClient();
    const container = dom.document.body.appendChild(dom.document.createElement('main'));
    const root = createRoot(container);
    const frames: string[] = [];
    const observer = new dom.MutationObserver(() => frames.push(container.textContent));
    observer.observe(container, { subtree: true, childList: true, characterData: true });
    closes.push(() => {
      root.unmount();
      observer.disconnect();
      client.session.dispose();
      container.remove();
    });
    return {
      ...client,
      queryClient,
      container,
      root,
      frames,
      show: (...children: ReactNode[]) =>
        root.render(createElement(AuthProvider, { client, queryClient }, ...children)),
      shows: (text: string) => vi.waitFor(() => expect(container.textContent).toBe(text), { interval: 5 }),
    };
  };
  return {
    clock,
    bff,
    browser,
    open,
    requests: () => bff.asked.map(({ path }) => path),
    /** Until `end`, no request gets a response. */
    startOutage() {
      bff.state.intercept = () => Promise.reject(new TypeError('Failed to fetch'));
      return { end: () => void (bff.state.intercept = null) };
    },
    /** Until `release`, `session.current` gets no response. */
    holdLoad() {
      let release = () => {};
      const until = new Promise<null>((resolve) => {
        release = () => resolve(null);
      });
      bff.state.intercept = ({ path }) => (path === 'session.current' ? until : null);
      return { release };
    },
  };
};

describe('useSession', () => {
  it('asks once who is signed in for all components, and is loading until the answer', async () => {
    const world = startWorld();
    world.browser.signIn();
    const page = world.open();
    page.show(createElement(Shown), createElement(Shown));
    await page.shows('signed_in John Doe. signed_in John Doe. ');
    expect(page.frames[0]).toBe('unknown nobody, loading. unknown nobody, loading. ');
    expect(page.frames.join('')).not.toContain('unknown nobody. ');
    expect(world.requests()).toEqual(['session.current']);
  });

  it('asks once in StrictMode, which runs each effect twice', async () => {
    const world = startWorld();
    const { session, trpc, queryClient, root, shows } = world.open();
    const inside = createElement(AuthProvider, { client: { session, trpc }, queryClient }, createElement(Shown));
    root.render(createElement(StrictMode, null, inside));
    await shows('signed_out nobody. ');
    expect(world.requests()).toEqual(['session.current']);
  });

  it('asks once for two providers with one client', async () => {
    const world = startWorld();
    world.browser.signIn();
    const page = world.open();
    const second = world.open();
    page.show(createElement(Shown));
    second.root.render(
      createElement(AuthProvider, { client: page, queryClient: second.queryClient }, createElement(Shown)),
    );
    await page.shows('signed_in John Doe. ');
    await second.shows('signed_in John Doe. ');
    expect(world.requests()).toEqual(['session.current']);
  });

  it('does not ask if a call has told the client before', async () => {
    const world = startWorld();
    world.browser.signIn();
    const page = world.open();
    await page.trpc.users.byId.query({ id: 5 });
    page.show(createElement(Shown));
    await page.shows('signed_in nobody. ');
    await world.clock.advance(60_000);
    expect(world.requests()).toEqual(['users.byId']);
  });

  it('does not ask again with a client that was disposed during an outage', async () => {
    const world = startWorld();
    world.startOutage();
    const page = world.open();
    page.show(createElement(Shown));
    await vi.waitFor(() => expect(world.requests()).toEqual(['session.current']));
    await world.clock.advance(2_000);
    expect(world.requests()).toHaveLength(2);
    page.session.dispose();
    await world.clock.advance(300_000);
    expect(world.requests()).toHaveLength(2);
  });

  it('does not ask for a page that does not use it', async () => {
    const world = startWorld();
    const page = world.open();
    page.show(createElement('p', null, 'public'));
    await page.shows('public');
    await world.clock.advance(60_000);
    expect(world.requests()).toEqual([]);
  });

  it('refreshes an expired session', async () => {
    const world = startWorld();
    world.browser.signIn();
    world.bff.state.aheadMs = 901_000;
    const page = world.open();
    page.show(createElement(Shown));
    await page.shows('signed_in John Doe. ');
    expect(world.requests()).toEqual(['session.current', 'session.refresh']);
  });

  it('is no longer loading in an outage, and asks again after 2 to 30 s until the session is known', async () => {
    const world = startWorld();
    world.browser.signIn();
    const outage = world.startOutage();
    const page = world.open();
    page.show(createElement(Shown));
    await page.shows('unknown nobody. ');
    const askedAt: number[] = [];
    for (let second = 1; second <= 90; second += 1) {
      const before = world.requests().length;
      await world.clock.advance(1_000);
      if (world.requests().length > before) askedAt.push(second);
    }
    expect(askedAt).toEqual([2, 6, 14, 30, 60, 90]);
    outage.end();
    await world.clock.advance(30_000);
    await page.shows('signed_in John Doe. ');
    expect(page.frames).toEqual(['unknown nobody, loading. ', 'unknown nobody. ', 'signed_in John Doe. ']);
    const total = world.requests().length;
    await world.clock.advance(120_000);
    expect(world.requests()).toHaveLength(total);
  });

  it('does not ask again once another call has told the client', async () => {
    const world = startWorld();
    const outage = world.startOutage();
    const page = world.open();
    page.show(createElement(Shown));
    await page.shows('unknown nobody. ');
    outage.end();
    world.browser.signIn();
    await page.trpc.session.me.query();
    await page.shows('signed_in John Doe. ');
    // The refresh of the session.
    expect(world.clock.pending()).toBe(1);
    await world.clock.advance(60_000);
    expect(world.requests()).toEqual(['session.current', 'session.me']);
  });

  it('does not ask again after the last component that used it is gone', async () => {
    const world = startWorld();
    world.startOutage();
    const page = world.open();
    page.show(createElement(Shown), createElement(Shown));
    await page.shows('unknown nobody. unknown nobody. ');
    page.show(createElement(Shown));
    await page.shows('unknown nobody. ');
    await world.clock.advance(2_000);
    expect(world.requests()).toHaveLength(2);
    page.show();
    await page.shows('');
    await vi.waitFor(() => expect(world.clock.pending()).toBe(0));
    await world.clock.advance(120_000);
    expect(world.requests()).toHaveLength(2);
    page.show(createElement(Shown));
    await vi.waitFor(() => expect(world.requests()).toHaveLength(3));
  });

  it('leaves nothing behind if its provider unmounts during the load', async () => {
    const world = startWorld();
    const load = world.holdLoad();
    const page = world.open();
    page.show(createElement(Shown));
    await vi.waitFor(() => expect(world.requests()).toEqual(['session.current']));
    page.root.render(null);
    await page.shows('');
    world.startOutage();
    load.release();
    await page.session.load();
    await world.clock.advance(120_000);
    expect(world.clock.pending()).toBe(0);
    expect(world.requests()).toEqual(['session.current']);
  });

  it('keeps a sign-in that happens during the load', async () => {
    const world = startWorld();
    const load = world.holdLoad();
    const page = world.open();
    page.show(createElement(Shown));
    await vi.waitFor(() => expect(world.requests()).toEqual(['session.current']));
    await page.trpc.session.login.mutate({ email: john.email, password: 'x' });
    await page.shows('signed_in John Doe. ');
    world.browser.jar.access = null;
    world.browser.jar.refresh = null;
    load.release();
    await page.session.load();
    expect(page.container.textContent).toBe('signed_in John Doe. ');
    expect(page.frames.join('')).not.toContain('signed_out');
  });

  it('keeps the sign-in of another tab that happens during the load', async () => {
    const world = startWorld();
    const load = world.holdLoad();
    const [page, otherTab] = [world.open(), world.open()];
    page.show(createElement(Shown));
    await vi.waitFor(() => expect(world.requests()).toEqual(['session.current']));
    await otherTab.trpc.session.login.mutate({ email: ethan.email, password: 'x' });
    await page.shows('signed_in Ethan Caldwell. ');
    load.release();
    await page.session.load();
    expect(page.container.textContent).toBe('signed_in Ethan Caldwell. ');
  });
});

describe('useSignOut and useAuthClient', () => {
  it('sign out, and return the client, always as the same function and object', async () => {
    const world = startWorld();
    world.browser.signIn();
    const page = world.open();
    const seen = new Set<unknown>();
    const SignOut: FC = () => {
      const signOut = useSignOut();
      seen.add(signOut).add(useAuthClient());
      return createElement('button', { onClick: () => void signOut() }, useSession().state);
    };
    page.show(createElement(SignOut));
    await page.shows('signed_in');
    page.container.querySelector('button')?.click();
    await page.shows('signed_out');
    expect(world.requests()).toEqual(['session.current', 'session.logout']);
    expect(seen.size).toBe(2);
    expect([...seen].at(1)).toHaveProperty('session', page.session);
  });

  it('reject a sign-out that the BFF did not receive, and the session continues', async () => {
    const world = startWorld();
    world.browser.signIn();
    const page = world.open();
    const outcomes: unknown[] = [];
    const SignOut: FC = () => {
      const signOut = useSignOut();
      const onClick = () => void signOut().catch((error: unknown) => outcomes.push(error));
      return createElement('button', { onClick }, useSession().state);
    };
    page.show(createElement(SignOut));
    await page.shows('signed_in');
    world.startOutage();
    page.container.querySelector('button')?.click();
    await vi.waitFor(() => expect(outcomes).toHaveLength(1));
    expect(page.container.textContent).toBe('signed_in');
  });
});

describe('AuthProvider', () => {
  const other = async () => 1;

  it('gives a QueryClient without a retry ours, so that a failed call is not sent again', async () => {
    const world = startWorld();
    world.startOutage();
    const page = world.open();
    page.queryClient.setDefaultOptions({ queries: { staleTime: 5 }, mutations: { retry: 2 } });
    page.show(createElement(Me));
    await page.shows('network');
    expect(world.requests()).toEqual(['session.me']);
    expect(page.queryClient.getDefaultOptions()).toEqual({
      queries: { staleTime: 5, retry: queryRetry },
      mutations: { retry: 2 },
    });
  });

  it.each([false, 0, 2, () => false])('leaves the own retry %s of an application', async (retry) => {
    const world = startWorld();
    const page = world.open();
    page.queryClient.setDefaultOptions({ queries: { retry } });
    page.show(createElement('p', null, 'shown'));
    await page.shows('shown');
    expect(page.queryClient.defaultQueryOptions({ queryKey: ['x'], queryFn: other }).retry).toBe(retry);
  });
});
