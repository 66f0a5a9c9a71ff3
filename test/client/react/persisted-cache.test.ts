import { dom, useDom } from '../../support/page/dom.ts';
import { QueryClient } from '@tanstack/react-query';
import { type PersistedClient, type Persister, PersistQueryClientProvider } from '@tanstack/react-query-persist-client';
import { createElement, type ReactNode } from 'react';
import { parse, stringify } from 'superjson';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthProvider, retry } from '../../../client/src/react.ts';
import { failOnComplaints } from '../../support/output/complaints.ts';
import { hold } from '../../support/time/hold.ts';
import { Header, Mine } from '../../support/page/page-parts.ts';
import { ethansSignIn, type john, johnsSignIn, type Page, startBrowser } from '../../support/page/react-page.ts';

const ethan = { type: 'staff', id: 2 } as const;
const storeKey = 'query-cache';

beforeEach(() => dom.localStorage.clear());

useDom();
failOnComplaints();

/** The content of the browser's store. */
const stored = () => dom.localStorage.getItem(storeKey) ?? '';

/** Keeps the cache in `localStorage`, as TanStack's own persisters do. `until`: the store is slow to read. */
const createPersister = (until?: Promise<void>): Persister => ({
  persistClient: (client) => dom.localStorage.setItem(storeKey, stringify(client)),
  restoreClient: async () => {
    await until;
    return stored() === '' ? undefined : parse<PersistedClient>(stored());
  },
  removeClient: () => dom.localStorage.removeItem(storeKey),
});

const createQueryClient = () =>
  // Data of a former page is fresh enough to be shown without a request.
  new QueryClient({ defaultOptions: { queries: { retry, staleTime: 3_600_000, gcTime: 86_400_000 } } });

const show = ({ client, queryClient, root }: Page, until?: Promise<void>, ...children: ReactNode[]) => {
  const persistOptions = { persister: createPersister(until) };
  const parts = children.length > 0 ? children : [createElement(Header), createElement(Mine)];
  const inSession = createElement(AuthProvider, { client, queryClient }, ...parts);
  root.render(createElement(PersistQueryClientProvider, { client: queryClient, persistOptions }, inSession));
};

type Browser = Awaited<ReturnType<typeof startBrowser>>;

const open = (browser: Browser) => browser.open({ queryClient: createQueryClient() });

/** Simulates an earlier page of John that stored its cache. */
const leaveJohnsCache = async (browser: Browser) => {
  const page = open(browser);
  show(page);
  await page.shows('signed_in John Doe. John');
  await vi.waitFor(() => expect(stored()).toContain('staff:123'));
  expect(stored()).toContain('user@example.com');
  page.close();
};

const signInElsewhere = async ({ browser, app }: Browser, person: typeof john | typeof ethan) =>
  browser.holdTokens(await app.authService.issue(person));

describe('a persisted cache', () => {
  it('is shown at once to its owner', async () => {
    await using browser = await startBrowser();
    await leaveJohnsCache(browser);
    const page = open(browser);
    show(page);
    await page.shows('signed_in John Doe. John');
    expect(page.requests).toEqual(['session.current']);
    expect(page.frames.join(' ')).not.toContain('loading John');
  });

  it('is emptied if the page detects another person', async () => {
    await using browser = await startBrowser();
    await leaveJohnsCache(browser);
    await signInElsewhere(browser, ethan);
    const page = open(browser);
    show(page);
    await page.shows('signed_in Ethan Caldwell. Ethan');
    expect(page.frames.join(' ')).not.toMatch(/Caldwell. John/);
    await vi.waitFor(() => expect(stored()).toContain('staff:2'));
    expect(stored()).not.toContain('user@example.com');
    expect(stored()).not.toContain('staff:123');
  });

  it('is emptied if another person signs in on the page', async () => {
    await using browser = await startBrowser();
    await leaveJohnsCache(browser);
    browser.browser.cookies.clear();
    const page = open(browser);
    await page.client.trpc.session.login.mutate(ethansSignIn);
    show(page);
    await page.shows('signed_in Ethan Caldwell. Ethan');
    expect(page.frames.join(' ')).not.toContain('John');
  });

  it('is kept if the same person signs in', async () => {
    await using browser = await startBrowser();
    await leaveJohnsCache(browser);
    browser.browser.cookies.clear();
    const page = open(browser);
    await page.client.trpc.session.login.mutate(johnsSignIn);
    show(page);
    await page.shows('signed_in John Doe. John');
    expect(page.requests).toEqual(['session.login']);
  });

  it('is emptied before it is rendered if it is restored after another person has signed in', async () => {
    await using browser = await startBrowser();
    await leaveJohnsCache(browser);
    await signInElsewhere(browser, ethan);
    const page = open(browser);
    const slow = hold();
    show(page, slow.until);
    await page.client.trpc.session.me.query();
    await page.shows('signed_in Ethan Caldwell. loading');
    slow.release();
    await page.shows('signed_in Ethan Caldwell. Ethan');
    expect(page.frames.join(' ')).not.toContain('John');
    expect(
      page.queryClient
        .getQueryCache()
        .getAll()
        .map(({ queryKey }) => queryKey.at(-1)),
    ).not.toContain('staff:123');
  });

  it('is emptied before it is rendered if it is restored after the session has ended', async () => {
    await using browser = await startBrowser();
    await leaveJohnsCache(browser);
    browser.browser.cookies.clear();
    const page = open(browser);
    const slow = hold();
    show(page, slow.until);
    await page.client.session.load();
    slow.release();
    await page.shows('signed_out nobody. no_token');
    expect(page.frames.join(' ')).not.toContain('John');
    await vi.waitFor(() => expect(stored()).not.toContain('user@example.com'));
  });

  it('contains no data of a person who has signed out', async () => {
    await using browser = await startBrowser();
    const page = open(browser);
    show(page);
    await page.shows('signed_in John Doe. John');
    await vi.waitFor(() => expect(stored()).toContain('user@example.com'));
    await page.client.session.signOut();
    await vi.waitFor(() => expect(stored()).not.toContain('user@example.com'));
    expect(stored()).not.toContain('staff:123');
  });

  it('keeps its owner after the page empties or refetches it', async () => {
    await using browser = await startBrowser();
    const page = open(browser);
    show(page);
    await page.shows('signed_in John Doe. John');
    page.queryClient.clear();
    await page.queryClient.resetQueries();
    await page.queryClient.refetchQueries();
    await page.queryClient.fetchQuery({ queryKey: ['note'], queryFn: () => 'of John' });
    await vi.waitFor(() => expect(stored()).toContain('of John'));
    await vi.waitFor(() => expect(stored()).toContain('staff:123'));
    page.close();
    await signInElsewhere(browser, ethan);
    const next = open(browser);
    show(next);
    await next.shows('signed_in Ethan Caldwell. Ethan');
    expect(next.queryClient.getQueryData(['note'])).toBeUndefined();
  });

  it('keeps its owner as long as its data', async () => {
    await using browser = await startBrowser();
    const page = open(browser);
    show(page);
    await page.shows('signed_in John Doe. John');
    const owner = page.queryClient.getQueryCache().find({ queryKey: ['auth-bff', 'owner', 'staff:123'] });
    expect(owner?.gcTime).toBe(Number.POSITIVE_INFINITY);
  });

  it('sends no paused mutation of the previous person as another person', async () => {
    await using browser = await startBrowser();
    await leaveJohnsCache(browser);
    const persisted = parse<PersistedClient>(stored());
    const state = { status: 'pending', isPaused: true, submittedAt: 1, variables: 'of John' };
    persisted.clientState.mutations.push({ mutationKey: ['note'], state: state as never });
    dom.localStorage.setItem(storeKey, stringify(persisted));
    await signInElsewhere(browser, ethan);
    const page = open(browser);
    const send = vi.fn<() => Promise<string>>(async () => 'sent');
    page.queryClient.setMutationDefaults(['note'], { mutationFn: send });
    show(page);
    await page.shows('signed_in Ethan Caldwell. Ethan');
    await page.queryClient.resumePausedMutations();
    expect(send).not.toHaveBeenCalled();
  });
});
