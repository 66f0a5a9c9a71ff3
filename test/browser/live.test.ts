import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, launchChromium } from '../support/page/chromium.ts';
import { hide, show } from './hide-page.ts';
import { type Site, startSite } from './start-site.ts';

describe.skipIf(!hasChromium)('a subscription over the EventSource of Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium({ keepsPages: true });
  });
  afterAll(() => browser.close());

  const turnsOf = (page: Page) => page.evaluate(() => globalThis.testPage.turns);
  const lastState = (page: Page) => page.evaluate(() => globalThis.testPage.streamStates.at(-1));
  const give = (page: Page, key: string) => page.evaluate((own) => globalThis.testPage.giveTurn(own), key);

  /** A page of a signed-in person that follows the turns, and a second one that gives turns. */
  const openPages = async (site: Site, context: BrowserContext) => {
    const page = await context.newPage();
    await page.goto(`${site.url}?clock=page`);
    await page.evaluate(() => globalThis.testPage.signIn());
    await page.evaluate(() => globalThis.testPage.follow());
    await expect.poll(() => lastState(page)).toBe('pending');
    const other = await context.newPage();
    await other.goto(site.url);
    return { page, other };
  };

  it('delivers events, and continues after its token has expired with one refresh', async () => {
    await using site = await startSite({ liveLimits: { sweepMs: 20 } });
    await using context = await browser.newContext();
    const { page } = await openPages(site, context);
    await give(page, 'T-1');
    await expect.poll(() => turnsOf(page)).toEqual(['T-1']);
    site.expire();
    await expect.poll(() => site.requestedPaths.filter((path) => path === 'assignments.onTurn').length).toBe(2);
    await give(page, 'T-2');
    await expect.poll(() => turnsOf(page)).toEqual(['T-1', 'T-2']);
    expect(site.authService.count('refresh')).toBe(1);
    expect(site.openStreams()).toBe(1);
  });

  it('is closed in a tab that was hidden for 30 s, and misses nothing when the tab is shown', async () => {
    await using site = await startSite();
    await using context = await browser.newContext();
    const { page, other } = await openPages(site, context);
    await give(other, 'T-1');
    await expect.poll(() => turnsOf(page)).toEqual(['T-1']);
    await hide(page);
    await page.evaluate(() => globalThis.testPage.advance(60_000));
    await expect.poll(() => site.openStreams()).toBe(0);
    await give(other, 'T-2');
    await give(other, 'T-3');
    await show(page);
    await expect.poll(() => turnsOf(page)).toEqual(['T-1', 'T-2', 'T-3']);
    expect(site.openStreams()).toBe(1);
  });

  it('does not keep its page out of the back/forward cache, and continues when the page is restored', async () => {
    await using site = await startSite();
    await using context = await browser.newContext();
    const { page, other } = await openPages(site, context);
    await give(other, 'T-1');
    await expect.poll(() => turnsOf(page)).toEqual(['T-1']);
    await page.goto(`${site.url}other`);
    await expect.poll(() => site.openStreams()).toBe(0);
    await give(other, 'T-2');
    await page.goBack({ waitUntil: 'commit' });
    await expect.poll(() => page.evaluate(() => globalThis.testPage.shown)).toEqual([false, true]);
    await expect.poll(() => turnsOf(page)).toEqual(['T-1', 'T-2']);
  });

  it('ends with the session when its person signs out in another tab', async () => {
    await using site = await startSite();
    await using context = await browser.newContext();
    const { page, other } = await openPages(site, context);
    await other.evaluate(() => globalThis.testPage.signOut());
    await expect.poll(() => lastState(page)).toBe('session_ended');
    await expect.poll(() => site.openStreams()).toBe(0);
    expect(await page.evaluate(() => globalThis.testPage.signedOut)).toBe(1);
  });
});
