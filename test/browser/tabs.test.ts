import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cookiesLeft, hasChromium, launchChromium } from '../support/page/chromium.ts';
import { type Site, startSite } from './start-site.ts';
import { hold } from '../support/time/hold.ts';

describe.skipIf(!hasChromium)('tabs of one Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  const open = async (site: Site, context: BrowserContext): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(site.url);
    return page;
  };

  /** Opens tabs, and signs a person in in the first one. */
  const openSignedIn = async (site: Site, context: BrowserContext, count: number): Promise<Page[]> => {
    const pages: Page[] = [];
    for (let tab = 0; tab < count; tab += 1) pages.push(await open(site, context));
    await pages[0]?.evaluate(() => globalThis.testPage.signIn());
    for (const page of pages) await sendQueries(page, 1, 0);
    return pages;
  };

  const sendQueries = (page: Page, times: number, apartMs: number) =>
    page.evaluate(([n, ms]) => globalThis.testPage.sendQueries(n, ms), [times, apartMs] as const);

  const stateOf = (page: Page) =>
    page.evaluate(() => ({ state: globalThis.testPage.current().state, signedOut: globalThis.testPage.signedOut }));

  it.each([
    ['2 tabs, all at once', 2, 0],
    ['2 tabs, a little apart', 2, 7],
    ['5 tabs, a little apart', 5, 3],
  ])('refresh exactly once for each of 20 expiries: %s', async (_name, count, apartMs) => {
    await using site = await startSite();
    await using context = await browser.newContext();
    const pages = await openSignedIn(site, context, count);
    for (let expiry = 1; expiry <= 20; expiry += 1) {
      site.expire();
      const answers = await Promise.all(pages.map((page) => sendQueries(page, 5, apartMs)));
      expect(new Set(answers.flat())).toEqual(new Set(['ok']));
      expect(site.authService.count('refresh')).toBe(expiry);
    }
    expect(site.requestedPaths.filter((path) => path === 'session.refresh')).toHaveLength(20);
    for (const page of pages) expect(await stateOf(page)).toEqual({ state: 'signed_in', signedOut: 0 });
  });

  it('stay signed in without the Web Locks API', async () => {
    await using site = await startSite();
    await using context = await browser.newContext();
    await context.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
    const pages = await openSignedIn(site, context, 3);
    for (let expiry = 1; expiry <= 10; expiry += 1) {
      site.expire();
      const answers = await Promise.all(pages.map((page) => sendQueries(page, 5, 3)));
      expect(new Set(answers.flat())).toEqual(new Set(['ok']));
    }
    for (const page of pages) expect(await stateOf(page)).toEqual({ state: 'signed_in', signedOut: 0 });
  });

  it('are all signed out by a sign-out in one of them, and can sign in again', async () => {
    await using site = await startSite();
    await using context = await browser.newContext();
    const pages = await openSignedIn(site, context, 3);
    const [, , third] = pages;
    await third?.evaluate(() => globalThis.testPage.signOut());
    for (const page of pages) {
      await page.waitForFunction(() => globalThis.testPage.current().state === 'signed_out');
      expect(await stateOf(page)).toEqual({ state: 'signed_out', signedOut: 1 });
      expect(await sendQueries(page, 1, 0)).toEqual(['no_token']);
    }
    await third?.evaluate(() => globalThis.testPage.signIn());
    for (const page of pages) {
      await page.waitForFunction(() => globalThis.testPage.current().state === 'signed_in');
      expect(await sendQueries(page, 1, 0)).toEqual(['ok']);
      expect(await stateOf(page)).toEqual({ state: 'signed_in', signedOut: 1 });
    }
  });

  it('are all signed out by a sign-out during a refresh', async () => {
    await using site = await startSite();
    await using context = await browser.newContext();
    const [first, second] = await openSignedIn(site, context, 2);
    if (first === undefined || second === undefined) throw new Error('There are two tabs.');
    site.expire();
    const { until, release } = hold();
    site.authService.fault('refresh', { kind: 'hold', until });
    const waiting = sendQueries(first, 1, 0);
    await expect.poll(() => site.authService.count('refresh')).toBe(1);
    await second.evaluate(() => globalThis.testPage.signOut());
    expect(await waiting).toEqual(['session_ended']);
    release();
    for (const page of [first, second]) {
      expect(await sendQueries(page, 1, 0)).toEqual(['no_token']);
      expect(await stateOf(page)).toEqual({ state: 'signed_out', signedOut: 1 });
    }
    expect(await cookiesLeft(context)).toEqual([]);
  });

  it('keep the new tokens of a refresh whose page is left before the response', async () => {
    await using site = await startSite();
    await using context = await browser.newContext();
    const [first, second] = await openSignedIn(site, context, 2);
    if (first === undefined || second === undefined) throw new Error('There are two tabs.');
    const refreshToken = async () => (await context.cookies()).find(({ name }) => name === 'refresh_token')?.value;
    const before = await refreshToken();
    site.expire();
    const { until, release } = hold();
    site.authService.fault('refresh', { kind: 'hold', until });
    const left = sendQueries(first, 1, 0).catch(() => []);
    await expect.poll(() => site.authService.count('refresh')).toBe(1);
    await first.goto('about:blank');
    await left;
    release();
    // The browser stores the cookies of the response although the page is gone.
    await expect.poll(refreshToken).not.toBe(before);
    expect(await sendQueries(second, 5, 3)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
    expect(site.authService.count('refresh')).toBe(1);
    expect(await stateOf(second)).toEqual({ state: 'signed_in', signedOut: 0 });
  });
});
