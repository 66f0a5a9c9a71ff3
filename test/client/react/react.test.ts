import { dom, useDom } from '../../support/page/dom.ts';
import {
  dehydrate,
  HydrationBoundary,
  onlineManager,
  QueryClient,
  useMutation,
  useSuspenseQuery,
} from '@tanstack/react-query';
import { TRPCClientError } from '@trpc/client';
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { Component, createElement, type FC, type ReactNode, StrictMode, Suspense, useLayoutEffect } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { deserialize, serialize } from 'superjson';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAuthClient, type SessionSnapshot } from '../../../client/src/index.ts';
import { AuthProvider, retry, useSession, useTRPC, useTRPCClient } from '../../../client/src/react.ts';
import type { Browser } from '../../support/app/browser.ts';
import { failOnComplaints } from '../../support/output/complaints.ts';
import { failure, Found, Header, Me, Mine } from '../../support/page/page-parts.ts';
import { ethansSignIn, johnsSignIn, type Page, startBrowser } from '../../support/page/react-page.ts';
import { createClock, type TestApp } from '../../support/app/start-app.ts';

/** A promise that the test settles. It also settles at the end of the test. */
const hold = () => {
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { until, release, [Symbol.dispose]: release };
};

class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null };
  static getDerivedStateFromError = (error: unknown) => ({ error });
  override render() {
    return this.state.error === null ? this.props.children : `caught ${failure(this.state.error)}`;
  }
}

useDom();
const consoleError = failOnComplaints();
afterEach(() => {
  onlineManager.setOnline(true);
});

describe('a page under AuthProvider', () => {
  it('renders the result of a procedure', async () => {
    await using browser = await startBrowser();
    const page = browser.open();
    page.show(createElement(Found, { id: 123 }));
    await page.shows('John Doe');
    expect(page.requests).toEqual(['users.byId']);
  });

  it('refreshes an expired session without the component noticing', async () => {
    await using browser = await startBrowser();
    const page = browser.open();
    browser.clock.advance(901_000);
    page.show(createElement(Found, { id: 123 }));
    await page.shows('John Doe');
    expect(page.frames).toEqual(['loading', 'John Doe']);
    expect(page.requests).toEqual(['users.byId', 'session.refresh', 'users.byId']);
  });

  it('works in StrictMode, with each call sent once', async () => {
    await using browser = await startBrowser();
    const page = browser.open();
    const children = [
      createElement(Header, { key: 1 }),
      createElement(Me, { key: 2 }),
      createElement(Mine, { key: 3 }),
    ];
    const { client, queryClient } = page;
    page.root.render(createElement(StrictMode, null, createElement(AuthProvider, { client, queryClient, children })));
    await page.shows('signed_in John Doe. John DoeJohn');
    expect(page.requests).toEqual(['session.current', 'session.me,users.me']);
    await client.session.signOut();
    await page.shows('signed_out nobody. session_endedsession_ended');
  });

  it('leaves no subscription after it unmounts', async () => {
    await using browser = await startBrowser();
    const page = browser.open();
    const { subscribe } = page.client.session;
    let subscriptions = 0;
    page.client.session.subscribe = (listener) => {
      const unsubscribe = subscribe(listener);
      subscriptions += 1;
      return () => {
        subscriptions -= 1;
        unsubscribe();
      };
    };
    page.show(createElement(Header), createElement(Header), createElement(Me));
    await vi.waitFor(() => expect(page.text()).toContain('signed_in John Doe'));
    expect(subscriptions).toBe(1);
    page.root.render(null);
    await page.shows('');
    await vi.waitFor(() => expect(subscriptions).toBe(0));
  });

  it('throws a clear error if a hook is used outside it', () => {
    const outside = [useSession, useTRPC, useTRPCClient].map((hook) => () => void hook());
    for (const hook of outside)
      expect(() => renderToString(createElement(hook))).toThrow(/inside of an? <\w+Provider>/);
  });
});

describe('useSession', () => {
  it('renders with sign-in, refresh and sign-out, and not while seconds pass', async () => {
    await using browser = await startBrowser({ person: null });
    const clock = createClock(0);
    const never = { now: clock.now, setTimeout: () => 0, clearTimeout: () => {} };
    const page = browser.open({ clock: never });
    const seen: SessionSnapshot[] = [];
    const Seen: FC = () => {
      const session = useSession();
      useLayoutEffect(() => void seen.push(session));
      return session.state;
    };
    page.show(createElement(Seen));
    await page.shows('signed_out');

    await page.client.trpc.session.login.mutate(johnsSignIn);
    await page.shows('signed_in');
    clock.advance(60_000);
    page.show(createElement(Seen));
    await page.client.trpc.users.me.query();
    await vi.waitFor(() => expect(seen).toHaveLength(4));
    expect(seen[3]).toBe(seen[2]);

    browser.clock.advance(60_000);
    await page.client.session.refresh();
    await vi.waitFor(() => expect(seen).toHaveLength(5));

    await page.client.session.signOut();
    await page.shows('signed_out');
    expect(seen.map(({ state, user }) => `${state} ${user?.id}`)).toEqual([
      'unknown undefined',
      'signed_out undefined',
      'signed_in 123',
      'signed_in 123',
      'signed_in 123',
      'signed_out undefined',
    ]);
  });

  it('renders signed_out if the refresh of an expired session is rejected', async () => {
    await using browser = await startBrowser();
    const page = browser.open();
    page.show(createElement(Header), createElement(Me));
    await page.shows('signed_in John Doe. John Doe');
    browser.clock.advance(901_000);
    browser.app.authService.fault('refresh', { kind: 'status', status: 401, body: '{"detail":"no"}' });
    await expect(page.client.trpc.users.me.query()).rejects.toThrow(TRPCClientError);
    await page.shows('signed_out nobody. session_ended');
  });
});

describe('the cache', () => {
  it('never shows data of the previous person after a sign-in in another tab', async () => {
    await using browser = await startBrowser();
    const [page, otherTab] = [browser.open(), browser.open()];
    page.show(createElement(Header), createElement(Me), createElement(Mine));
    await page.shows('signed_in John Doe. John DoeJohn');
    page.frames.length = 0;

    await otherTab.client.trpc.session.login.mutate(ethansSignIn);
    await page.shows('changed Ethan Caldwell. Ethan CaldwellEthan');
    // The page never shows one person's name with the other person's data.
    expect(page.frames[0]).toBe('changed Ethan Caldwell. loadingloading');
    expect(page.frames.join(' ')).not.toContain('John');
  });

  it('drops responses to the previous person that are in flight', async () => {
    await using browser = await startBrowser();
    const [page, otherTab] = [browser.open(), browser.open()];
    page.show(createElement(Header), createElement(Me));
    await page.shows('signed_in John Doe. John Doe');
    using held = hold();
    browser.app.authService.fault('*', { kind: 'hold', until: held.until });
    page.show(createElement(Header), createElement(Mine));
    await vi.waitFor(() => expect(browser.app.authService.count('staff-profile')).toBe(1));
    browser.app.authService.clearFaults();

    await otherTab.client.trpc.session.login.mutate(ethansSignIn);
    await page.shows('changed Ethan Caldwell. Ethan');
    held.release();
    await otherTab.client.trpc.users.byId.query({ id: 5 });
    await page.shows('changed Ethan Caldwell. Ethan');
    expect(page.frames.join(' ')).not.toMatch(/Caldwell. John/);
  });

  it('is emptied once for a change of person, and not with each refresh after it', async () => {
    await using browser = await startBrowser();
    const page = browser.open();
    page.show(createElement(Header), createElement(Me));
    await page.shows('signed_in John Doe. John Doe');
    await page.client.trpc.session.login.mutate(ethansSignIn);
    await page.shows('changed Ethan Caldwell. Ethan Caldwell');
    const before = page.requests.length;
    page.frames.length = 0;
    await page.client.session.refresh();
    await page.client.trpc.users.me.query();
    await page.shows('signed_in Ethan Caldwell. Ethan Caldwell');
    expect(page.requests.slice(before)).toEqual(['session.refresh', 'users.me']);
    expect(page.frames).toEqual(['signed_in Ethan Caldwell. Ethan Caldwell']);
  });

  it('is emptied if the person changed while no provider was mounted', async () => {
    await using browser = await startBrowser();
    const page = browser.open();
    page.show(createElement(Me));
    await page.shows('John Doe');
    page.root.render(null);
    await page.shows('');
    await page.client.trpc.session.login.mutate(ethansSignIn);
    page.show(createElement(Me));
    await page.shows('Ethan Caldwell');
    expect(page.frames).toEqual(['loading', 'John Doe', '', 'loading', 'Ethan Caldwell']);
  });

  it('is emptied on a sign-out in another tab, without a refetch', async () => {
    await using browser = await startBrowser();
    const [page, otherTab] = [browser.open(), browser.open()];
    page.show(createElement(Header), createElement(Me), createElement(Mine));
    await page.shows('signed_in John Doe. John DoeJohn');
    await page.queryClient.prefetchQuery({ queryKey: ['inactive'], queryFn: () => 'John, too' });
    const before = page.requests.length;
    await otherTab.client.session.signOut();
    await page.shows('signed_out nobody. session_endedsession_ended');
    expect(page.queryClient.getQueryCache().find({ queryKey: ['inactive'] })).toBeUndefined();
    expect(page.requests).toHaveLength(before);
  });

  it('refetches rejected active queries after a sign-in', async () => {
    await using browser = await startBrowser({ person: null });
    const [page, otherTab] = [browser.open(), browser.open()];
    page.show(createElement(Header), createElement(Me), createElement(Mine));
    await page.shows('signed_out nobody. no_tokenno_token');
    await otherTab.client.trpc.session.login.mutate(johnsSignIn);
    await page.shows('signed_in John Doe. John DoeJohn');
    await otherTab.client.session.signOut();
    await page.shows('signed_out nobody. session_endedsession_ended');
    await otherTab.client.trpc.session.login.mutate(ethansSignIn);
    await page.shows('signed_in Ethan Caldwell. Ethan CaldwellEthan');
    expect(page.frames.join(' ')).not.toMatch(/Caldwell. .*John/);
  });

  it('sends no mutation as another person', async () => {
    await using browser = await startBrowser();
    const [page, otherTab] = [browser.open(), browser.open()];
    page.show(createElement(Header), createElement(Me));
    await page.shows('signed_in John Doe. John Doe');
    const send = vi.fn<() => Promise<string>>(async () => 'sent');
    const cache = page.queryClient.getMutationCache();
    onlineManager.setOnline(false);
    void cache.build(page.queryClient, { mutationFn: send }).execute(undefined);
    await otherTab.client.trpc.session.login.mutate(ethansSignIn);
    await page.shows('changed Ethan Caldwell. loading');
    void cache.build(page.queryClient, { mutationFn: async () => 'Ethan' }).execute(undefined);
    onlineManager.setOnline(true);
    await page.shows('changed Ethan Caldwell. Ethan Caldwell');
    await vi.waitFor(() => expect(cache.getAll().map(({ state }) => state.data)).toEqual(['Ethan']));
    expect(send).not.toHaveBeenCalled();
  });

  it('keeps a sign-in mutation of a component in flight', async () => {
    await using browser = await startBrowser();
    const page = browser.open();
    const onSuccess = vi.fn<() => void>();
    const SignIn: FC = () => {
      const { mutate, status } = useMutation(useTRPC().session.login.mutationOptions());
      return createElement('button', { onClick: () => mutate(ethansSignIn, { onSuccess }) }, status);
    };
    page.show(createElement(Header), createElement(Me), createElement(SignIn));
    await page.shows('signed_in John Doe. John Doeidle');
    page.container.querySelector('button')?.click();
    await page.shows('changed Ethan Caldwell. Ethan Caldwellsuccess');
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });

  it('fails a suspended component with session_ended, without a loop', async () => {
    await using browser = await startBrowser();
    const page = browser.open();
    const Suspended: FC = () => useSuspenseQuery(useTRPC().users.byId.queryOptions({ id: 5 })).data.firstName;
    page.show(createElement(Me));
    await page.shows('John Doe');
    browser.app.authService.fault('*', { kind: 'status', status: 401, body: '{"detail":"no"}' });
    const inBoundary = createElement(Boundary, null, createElement(Suspense, null, createElement(Suspended)));
    consoleError.mockImplementation(() => {});
    page.show(createElement(Me), createElement('p', null, inBoundary));
    await page.shows('session_endedcaught session_ended');
    expect(page.requests).toEqual(['session.me', 'users.byId']);
    // React logs errors that a boundary caught.
    expect(consoleError).toHaveBeenCalled();
    consoleError.mockReset();
  });
});

describe('retry', () => {
  it('does not retry a rejected call', async () => {
    await using browser = await startBrowser({ person: null });
    const page = browser.open({ retry: { baseDelayMs: 0 } });
    page.show(createElement(Found, { id: 123 }));
    await page.shows('no_token');
    expect(page.requests).toEqual(['users.byId']);
  });

  it('does not add retries to those of the client after a network failure', async () => {
    await using browser = await startBrowser();
    let attempts = 0;
    const page = browser.open({
      retry: { baseDelayMs: 0 },
      fetch: async () => {
        attempts += 1;
        throw new TypeError('fetch failed');
      },
    });
    page.show(createElement(Found, { id: 123 }));
    await page.shows('network');
    expect(attempts).toBe(4);
  });

  it("leaves other queries TanStack Query's own three attempts more", () => {
    expect([0, 1, 2, 3].map((failures) => retry(failures, new Error('Another backend failed.')))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});

describe('a server-rendered page', () => {
  /** Renders on a server: a client and a cache per request, with the request's cookies. */
  const renderOnServer = async (app: TestApp, cookie: string, Page: FC) => {
    const client = createAuthClient({ url: `${app.url}/trpc`, headers: { cookie }, channel: null, locks: null });
    const queryClient = new QueryClient({ defaultOptions: { dehydrate: { serializeData: serialize } } });
    const options = createTRPCOptionsProxy({ client: client.trpc, queryClient });
    await queryClient.prefetchQuery(options.session.me.queryOptions());
    const state = JSON.parse(JSON.stringify(dehydrate(queryClient))) as ReturnType<typeof dehydrate>;
    const children = createElement(HydrationBoundary, { state }, createElement(Page));
    const html = renderToString(createElement(AuthProvider, { client, queryClient, children }));
    return { html, state, current: client.session.current };
  };
  const Page: FC = () => [createElement(Header, { key: 1 }), createElement(Me, { key: 2 })];

  const hydrate = (page: Page, { html, state }: Awaited<ReturnType<typeof renderOnServer>>) => {
    page.queryClient.setDefaultOptions({
      queries: { retry, staleTime: 60_000 },
      hydrate: { deserializeData: deserialize },
    });
    const { client, queryClient } = page;
    const container = dom.document.body.appendChild(dom.document.createElement('main'));
    container.innerHTML = html;
    const children = createElement(HydrationBoundary, { state }, createElement(Page));
    const root = hydrateRoot(container, createElement(AuthProvider, { client, queryClient, children }));
    return { container, [Symbol.dispose]: () => root.unmount() };
  };
  const cookieOf = ({ cookies }: Browser) => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');

  it('has the data and the session in its HTML, and hydrates without a request', async () => {
    await using browser = await startBrowser();
    const rendered = await renderOnServer(browser.app, cookieOf(browser.browser), Page);
    expect(rendered.current.state).toBe('signed_in');
    expect(rendered.html).toBe('<b>signed_in John Doe. </b><u>John Doe</u>');
    const page = browser.open();
    using hydrated = hydrate(page, rendered);
    await vi.waitFor(() => expect(page.client.session.current.state).toBe('signed_in'));
    expect(hydrated.container.textContent).toBe('signed_in John Doe. John Doe');
    expect(page.requests).toEqual([]);
  });

  it('is rendered without data if the token has expired, and the browser refreshes', async () => {
    await using browser = await startBrowser();
    browser.clock.advance(901_000);
    const rendered = await renderOnServer(browser.app, cookieOf(browser.browser), Page);
    expect(rendered.html).toBe('<b>unknown nobody. </b><u>loading</u>');
    expect(browser.app.authService.count('refresh')).toBe(0);
    const page = browser.open();
    using hydrated = hydrate(page, rendered);
    await vi.waitFor(() => expect(hydrated.container.textContent).toBe('signed_in John Doe. John Doe'));
    expect(page.requests).toEqual(['session.current', 'session.me', 'session.refresh', 'session.me']);
  });

  it('loses the server’s data if the session has ended', async () => {
    await using browser = await startBrowser();
    const rendered = await renderOnServer(browser.app, cookieOf(browser.browser), Page);
    browser.browser.cookies.clear();
    const page = browser.open();
    using hydrated = hydrate(page, rendered);
    await vi.waitFor(() => expect(hydrated.container.textContent).toBe('signed_in John Doe. John Doe'));
    await expect(page.client.trpc.users.me.query()).rejects.toThrow(TRPCClientError);
    await vi.waitFor(() => expect(hydrated.container.textContent).toBe('signed_out nobody. session_ended'));
    expect(page.requests).toEqual(['users.me']);
  });
});
