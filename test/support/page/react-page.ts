import { dom } from './dom.ts';
import { QueryClient } from '@tanstack/react-query';
import { createElement, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, vi } from 'vitest';
import { type AuthClientOptions, createAuthClient } from '../../../client/src/index.ts';
import { AuthProvider, retry } from '../../../client/src/react.ts';
import type { Browser } from '../app/browser.ts';
import { createClock, type StartAppOptions, startApp, type TestApp } from '../app/start-app.ts';

export const john = { type: 'staff', id: 123 } as const;
export const johnsSignIn = { email: 'user@example.com', password: 'staff-pass-1' };
export const ethansSignIn = { email: 'ethan.caldwell@example.com', password: 'staff-pass-1' };

export type PageOptions = Partial<AuthClientOptions> & {
  /** Default: one with our `retry`, whose data stays fresh for a minute. */
  queryClient?: QueryClient;
};

/** A page in a tab of this browser: its own client and cache, the browser's cookies. */
const openPage = (app: TestApp, browser: Browser, { queryClient: own, ...options }: PageOptions = {}) => {
  const requests: string[] = [];
  const client = createAuthClient({
    url: `${app.url}/trpc`,
    fetch: (input, init) => {
      requests.push(new URL(input instanceof Request ? input.url : input).pathname.replace('/trpc/', ''));
      return browser.fetch(input, init);
    },
    retry: false,
    ...options,
  });
  const queryClient = own ?? new QueryClient({ defaultOptions: { queries: { retry, staleTime: 60_000 } } });
  const container = dom.document.body.appendChild(dom.document.createElement('main'));
  const root = createRoot(container);
  /** The text of the page after each change. */
  const frames: string[] = [];
  const observer = new dom.MutationObserver(() => frames.push(container.textContent));
  observer.observe(container, { subtree: true, childList: true, characterData: true });
  return {
    client,
    queryClient,
    container,
    root,
    requests,
    frames,
    text: () => container.textContent,
    show(...children: ReactNode[]): void {
      root.render(createElement(AuthProvider, { client, queryClient }, ...children));
    },
    shows: (text: string) => vi.waitFor(() => expect(container.textContent).toBe(text), { interval: 5 }),
    close(): void {
      root.unmount();
      observer.disconnect();
      queryClient.clear();
      client.session.dispose();
      container.remove();
    },
  };
};

export type Page = ReturnType<typeof openPage>;

/** A browser with or without a session of John. */
export const startBrowser = async ({
  person = john,
  ...options
}: StartAppOptions & { person?: typeof john | null } = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options });
  const browser = app.browser();
  if (person) browser.holdTokens(await app.authService.issue(person));
  const pages: Page[] = [];
  return {
    app,
    browser,
    clock,
    open(pageOptions?: PageOptions): Page {
      const page = openPage(app, browser, pageOptions);
      pages.push(page);
      return page;
    },
    async [Symbol.asyncDispose]() {
      for (const page of pages) page.close();
      await app[Symbol.asyncDispose]();
    },
  };
};
