import { dom, useDom } from '../../support/page/dom.ts';
import { dehydrate, type DehydratedState, hydrate, HydrationBoundary, QueryClient } from '@tanstack/react-query';
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { createElement, type FC, type ReactNode } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { deserialize, serialize } from 'superjson';
import { describe, expect, it, vi } from 'vitest';
import { createAuthClient, type SessionSnapshot } from '../../../client/src/index.ts';
import { AuthProvider, retry, useSession } from '../../../client/src/react.ts';
import { failOnComplaints } from '../../support/output/complaints.ts';
import { Header, Mine } from '../../support/page/page-parts.ts';
import { ethansSignIn, type Page, startBrowser } from '../../support/page/react-page.ts';

useDom();
failOnComplaints();

type Browser = Awaited<ReturnType<typeof startBrowser>>;
type Load = 'current' | 'me';
const ethan = { type: 'staff', id: 2 } as const;

const cookieOf = (cookies: ReadonlyMap<string, string>) =>
  [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');

type ServerOptions = {
  /** Default: the browser's cookies. */
  cookie?: string;
  loads?: readonly Load[];
  /** Default: as superjson writes it. */
  serializeData?: (data: unknown) => unknown;
  keyPrefix?: string;
};

/** What a server loads for a page, after its way through HTML. */
const loadOnServer = async ({ app, browser }: Browser, options: ServerOptions = {}): Promise<DehydratedState> => {
  const { cookie = cookieOf(browser.cookies), loads = ['me'], serializeData = serialize, keyPrefix } = options;
  const client = createAuthClient({ url: `${app.url}/trpc`, headers: { cookie }, channel: null, locks: null });
  const queryClient = new QueryClient();
  const prefix: object = keyPrefix === undefined ? {} : { keyPrefix };
  const trpc = createTRPCOptionsProxy({ client: client.trpc, queryClient, ...prefix });
  if (loads.includes('current')) await queryClient.prefetchQuery(trpc.session.current.queryOptions());
  if (loads.includes('me')) await queryClient.prefetchQuery(trpc.session.me.queryOptions());
  if (loads.includes('me')) await queryClient.prefetchQuery(trpc.users.me.queryOptions());
  return JSON.parse(JSON.stringify(dehydrate(queryClient, { serializeData }))) as DehydratedState;
};

const anonymous = (browser: Browser) => loadOnServer(browser, { cookie: '', loads: ['current'] });

/** The sign-in of Ethan elsewhere, as cookies of the server's request. */
const ethansCookie = async ({ app }: Browser) => {
  const other = app.browser();
  other.holdTokens(await app.authService.issue(ethan));
  return cookieOf(other.cookies);
};

/** The time at which the state was loaded, moved by `ms`. */
const shifted = (state: DehydratedState, ms: number): DehydratedState => ({
  ...state,
  queries: state.queries.map((query) => ({
    ...query,
    state: { ...query.state, dataUpdatedAt: query.state.dataUpdatedAt + ms },
  })),
});

const createQueryClient = () =>
  new QueryClient({
    defaultOptions: { queries: { retry, staleTime: 60_000 }, hydrate: { deserializeData: deserialize } },
  });

const Loading: FC = () => (useSession().isLoading ? 'loading' : 'loaded');

/** The same tree on both sides. `above`: outside of the boundary. */
const createTree = (
  { client, queryClient }: Pick<Page, 'client' | 'queryClient'>,
  state: DehydratedState,
  parts: ReactNode[],
  above: ReactNode[] = [],
) =>
  createElement(AuthProvider, { client, queryClient }, ...above, createElement(HydrationBoundary, { state }, ...parts));

const renderOnServer = (state: DehydratedState, ...rest: [ReactNode[], ReactNode[]?]) => {
  const client = createAuthClient({ url: 'http://localhost/trpc', channel: null, locks: null });
  return renderToString(createTree({ client, queryClient: createQueryClient() }, state, ...rest));
};

const parts = () => [createElement(Header), createElement(Loading), createElement(Mine)];

const openPage = (browser: Browser, options: Parameters<Browser['open']>[0] = {}) =>
  browser.open({ queryClient: createQueryClient(), ...options });

/** Hydrates the server's HTML in the page. */
const hydratePage = (page: Page, html: string, state: DehydratedState, ...rest: [ReactNode[], ReactNode[]?]) => {
  const container = dom.document.body.appendChild(dom.document.createElement('main'));
  container.innerHTML = html;
  const frames: string[] = [];
  const observer = new dom.MutationObserver(() => frames.push(container.textContent));
  observer.observe(container, { subtree: true, childList: true, characterData: true });
  const root = hydrateRoot(container, createTree(page, state, ...rest));
  return {
    container,
    frames,
    shows: (text: string) => vi.waitFor(() => expect(container.textContent).toBe(text), { interval: 5 }),
    [Symbol.dispose]() {
      root.unmount();
      observer.disconnect();
      container.remove();
    },
  };
};

const stateOf = ({ client }: Page) => client.session.current.state;
const becomes = (page: Page, state: SessionSnapshot['state']) => vi.waitFor(() => expect(stateOf(page)).toBe(state));

describe('a session that a server loaded', () => {
  it.each<Load>(['me', 'current'])(
    'is in the HTML and the first render, without a request, by session.%s',
    async (name) => {
      await using browser = await startBrowser();
      const state = await loadOnServer(browser, { loads: [name] });
      const shown = [createElement(Header), createElement(Loading)];
      const html = renderOnServer(state, shown);
      expect(html).toContain('signed_in John Doe');
      expect(html).not.toContain('loading');
      const page = openPage(browser);
      using hydrated = hydratePage(page, html, state, shown);
      await becomes(page, 'signed_in');
      await hydrated.shows('signed_in John Doe. loaded');
      expect(hydrated.frames).toEqual([]);
      expect(page.requests).toEqual([]);
    },
  );

  it('has its refresh scheduled, by the time when the server loaded it', async () => {
    await using browser = await startBrowser();
    const waits: number[] = [];
    const clock = {
      now: () => 5_000_000,
      setTimeout: (_task: () => void, delayMs: number) => waits.push(delayMs),
      clearTimeout: () => {},
    };
    const state = shifted(await loadOnServer(browser), -30_000);
    const page = openPage(browser, { clock, random: () => 0 });
    hydrate(page.queryClient, state, { defaultOptions: { deserializeData: deserialize } });
    page.show(createElement('p', null, 'no hook'));
    await becomes(page, 'signed_in');
    // The lifetime is 900 s, of which 300 s remain at the refresh, and up to a second is lost in rounding.
    expect(page.client.session.current.expiresIn).toBeGreaterThanOrEqual(895);
    expect(Math.round((waits.at(-1) ?? 0) / 10_000)).toBe(60);
    expect(page.requests).toEqual([]);
  });

  it('counts if it is hydrated after the page has mounted', async () => {
    await using browser = await startBrowser();
    const state = await loadOnServer(browser);
    const page = openPage(browser);
    page.show(createElement('p', null, 'no hook yet'));
    await page.shows('no hook yet');
    hydrate(page.queryClient, state);
    await becomes(page, 'signed_in');
    page.show(...parts());
    await page.shows('signed_in John Doe. loadedJohn');
    expect(page.requests).toEqual([]);
  });

  it('counts in a boundary that is rendered by the browser only', async () => {
    await using browser = await startBrowser();
    const state = await loadOnServer(browser);
    const page = openPage(browser);
    page.root.render(createTree(page, state, parts()));
    await page.shows('signed_in John Doe. loadedJohn');
    expect(page.frames).toEqual(['signed_in John Doe. loadedJohn']);
    expect(page.requests).toEqual([]);
  });

  it('counts above its boundary too, after the hydration', async () => {
    await using browser = await startBrowser();
    const state = await loadOnServer(browser);
    const html = renderOnServer(state, [createElement(Mine)], [createElement(Header)]);
    expect(html).toContain('unknown nobody');
    const page = openPage(browser);
    using hydrated = hydratePage(page, html, state, [createElement(Mine)], [createElement(Header)]);
    await hydrated.shows('signed_in John Doe. John');
    expect(page.requests).toEqual([]);
  });

  it('of a visitor counts too, and the data of the page stays', async () => {
    await using browser = await startBrowser({ person: null });
    const state = await anonymous(browser);
    const shown = [createElement(Header), createElement(Loading)];
    const html = renderOnServer(state, shown);
    expect(html).toContain('signed_out nobody');
    const page = openPage(browser);
    using hydrated = hydratePage(page, html, state, shown);
    await becomes(page, 'signed_out');
    await hydrated.shows('signed_out nobody. loaded');
    expect(page.queryClient.getQueryCache().getAll()[0]?.state.data).toEqual({ state: 'signed_out' });
    expect(page.requests).toEqual([]);
  });

  it('counts if its dates were serialized without superjson', async () => {
    await using browser = await startBrowser();
    const state = await loadOnServer(browser, { serializeData: (data) => data });
    const page = openPage(browser, { queryClient: new QueryClient() });
    page.root.render(createTree(page, state, [createElement(Header)]));
    await page.shows('signed_in John Doe. ');
    await becomes(page, 'signed_in');
    expect(page.client.session.current.expiresIn).toBeGreaterThan(890);
    expect(page.requests).toEqual([]);
  });

  it('that has expired is refreshed', async () => {
    await using browser = await startBrowser();
    browser.clock.advance(901_000);
    const state = await loadOnServer(browser, { loads: ['current'] });
    const html = renderOnServer(state, [createElement(Header)]);
    expect(html).toContain('unknown nobody');
    const page = openPage(browser);
    using hydrated = hydratePage(page, html, state, [createElement(Header)]);
    await hydrated.shows('signed_in John Doe. ');
    expect(page.requests).toEqual(['session.current', 'session.refresh']);
  });

  it.each([
    ['serialized and not deserialized', (data: unknown) => serialize(serialize(data))],
    ['without a user', () => serialize({ expiresAt: new Date(), systems: [] })],
    ['a user without a type', () => serialize({ user: { id: 123 }, expiresAt: new Date() })],
    ['null', () => serialize(null)],
    ['of an unknown state', () => serialize({ state: 'suspended', user: { id: 123, type: 'staff' } })],
  ])('is asked for if the data is malformed: %s', async (_name, serializeData) => {
    await using browser = await startBrowser();
    const state = await loadOnServer(browser, { serializeData, loads: ['current'] });
    const html = renderOnServer(state, [createElement(Header)]);
    expect(html).toContain('unknown nobody');
    const page = openPage(browser);
    using hydrated = hydratePage(page, html, state, [createElement(Header)]);
    await hydrated.shows('signed_in John Doe. ');
    expect(page.requests).toEqual(['session.current']);
  });

  it('is asked for if it is of a restored cache, older than the page', async () => {
    await using browser = await startBrowser();
    const state = shifted(await loadOnServer(browser), -120_000);
    const clock = { now: () => 1_000, setTimeout: () => 0, clearTimeout: () => {} };
    const page = openPage(browser, { clock });
    hydrate(page.queryClient, state);
    page.show(createElement(Header), createElement(Loading));
    await page.shows('signed_in John Doe. loaded');
    expect(page.requests).toEqual(['session.current']);
    expect(page.frames[0]).toBe('unknown nobody. loading');
  });

  it('is asked for if the key has a prefix, since another router may have the same names', async () => {
    await using browser = await startBrowser();
    const state = await loadOnServer(browser, { keyPrefix: 'other' });
    expect(state.queries[0]?.queryKey).toEqual([['other'], ['session', 'me'], { type: 'query' }]);
    const page = openPage(browser);
    hydrate(page.queryClient, state);
    page.show(createElement(Header));
    await page.shows('signed_in John Doe. ');
    expect(page.requests).toEqual(['session.current']);
  });
});

describe('a session that a server loaded for another person', () => {
  it('empties the cache of the previous owner before it is shown', async () => {
    await using browser = await startBrowser();
    const ethans = await loadOnServer(browser, { cookie: await ethansCookie(browser), loads: ['current'] });
    browser.browser.holdTokens(await browser.app.authService.issue(ethan));
    const page = openPage(browser);
    page.queryClient.setQueryData(['auth-bff', 'owner', 'staff:123'], 'staff:123');
    page.queryClient.setQueryData(['note'], 'of John');
    page.root.render(createTree(page, ethans, [createElement(Header), createElement(Mine)]));
    await page.shows('signed_in Ethan Caldwell. Ethan');
    expect(page.queryClient.getQueryData(['note'])).toBeUndefined();
  });

  it('before the sign-in of the current one never stands beside the current one', async () => {
    await using browser = await startBrowser();
    const johns = await loadOnServer(browser);
    const html = renderOnServer(johns, parts());
    const [page, otherTab] = [openPage(browser), openPage(browser)];
    await otherTab.client.trpc.session.login.mutate(ethansSignIn);
    await becomes(page, 'signed_in');
    using hydrated = hydratePage(page, html, johns, parts());
    await hydrated.shows('signed_in Ethan Caldwell. loadedEthan');
    expect(hydrated.frames.join(' ')).not.toMatch(/Caldwell.*John/);
  });

  it('is replaced at the first call, if the client was not told of the change', async () => {
    await using browser = await startBrowser();
    const johns = await loadOnServer(browser);
    const html = renderOnServer(johns, parts());
    browser.browser.holdTokens(await browser.app.authService.issue(ethan));
    const page = openPage(browser);
    using hydrated = hydratePage(page, html, johns, parts());
    await becomes(page, 'signed_in');
    expect(hydrated.container.textContent).toBe('signed_in John Doe. loadedJohn');
    await page.client.trpc.users.byId.query({ id: 5 });
    await hydrated.shows('changed nobody. loadedEthan');
    expect(hydrated.frames.join(' ')).not.toMatch(/changed.*John/);
  });

  it('and reaches a page in use, is emptied, and the BFF is asked', async () => {
    await using browser = await startBrowser();
    const page = openPage(browser);
    page.show(...parts());
    await page.shows('signed_in John Doe. loadedJohn');
    const ethans = await loadOnServer(browser, { cookie: await ethansCookie(browser) });
    page.frames.length = 0;
    page.requests.length = 0;
    hydrate(page.queryClient, shifted(ethans, 60_000));
    await vi.waitFor(() => expect(page.requests.toSorted()).toEqual(['session.current', 'users.me']));
    await page.shows('signed_in John Doe. loadedJohn');
    expect(page.frames.join(' ')).not.toContain('Ethan');
  });

  it.each([
    ['signed_out', 'signed_in John Doe. '],
    ['signed_in', 'signed_out nobody. '],
  ])('asks the BFF if the client has seen %s', async (known, shown) => {
    await using browser = await startBrowser({ person: null });
    const page = openPage(browser);
    if (known === 'signed_in')
      await page.client.trpc.session.login.mutate({ email: 'user@example.com', password: 'staff-pass-1' });
    page.show(createElement(Header));
    await vi.waitFor(() => expect(page.text()).toContain(known));
    // A form that the server handles signs in or out.
    if (known === 'signed_in') browser.browser.cookies.clear();
    else browser.browser.holdTokens(await browser.app.authService.issue({ type: 'staff', id: 123 }));
    const state = await loadOnServer(browser, { loads: ['current'] });
    page.requests.length = 0;
    hydrate(page.queryClient, state);
    await page.shows(shown);
    expect(page.requests).toEqual(['session.current']);
  });
});
