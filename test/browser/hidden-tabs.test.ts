import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hide, show } from './hide-page.ts';
import { hasChromium, launchChromium } from '../support/page/chromium.ts';
import { type Site, startSite } from './start-site.ts';

/** An Auth Service whose tokens live 300 s and cannot be refreshed after expiry. */
const startDeployed = () => startSite({ dialect: 'deployed', authService: { accessLifetimeSeconds: 300 } });

/** Puts the cookies of a sign-in into this browser. */
const signIn = async (site: Site, context: BrowserContext) => {
  const { access, refresh } = await site.authService.issue({ type: 'staff', id: 123 });
  const cookies = Object.entries({ access_token: access, refresh_token: refresh });
  await context.addCookies(cookies.map(([name, value]) => ({ name, value, url: site.url, httpOnly: true })));
};

const openHidden = async (site: Site, context: BrowserContext): Promise<Page> => {
  const page = await context.newPage();
  await page.goto(`${site.url}?clock=page`);
  expect(await page.evaluate(() => globalThis.testPage.sendQueries(1, 0))).toEqual(['ok']);
  await hide(page);
  return page;
};

const stepSeconds = 15;

/** Advances the clocks of the servers and of the pages, whose timers run once a minute. */
const pass = async (site: Site, pages: readonly Page[], minutes: number) => {
  for (let seconds = 0; seconds < minutes * 60; seconds += stepSeconds) {
    site.advance(stepSeconds * 1000);
    // Within the same throttled minute.
    await Promise.all(pages.map((page) => page.evaluate((ms) => globalThis.testPage.advance(ms), stepSeconds * 1000)));
    for (const page of pages) await page.waitForFunction(() => globalThis.testPage.underWay === 0);
  }
};

const stateOf = (page: Page) =>
  page.evaluate(() => ({ state: globalThis.testPage.current().state, signedOut: globalThis.testPage.signedOut }));

describe.skipIf(!hasChromium)('tabs of one Chromium that are hidden for 20 minutes', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it.each([1, 2, 3])(
    'stay signed in with 4 or 5 refreshes although none is possible after expiry: %d tabs',
    async (count) => {
      await using site = await startDeployed();
      await using context = await browser.newContext();
      await signIn(site, context);
      const pages: Page[] = [];
      for (let tab = 0; tab < count; tab += 1) pages.push(await openHidden(site, context));
      await pass(site, pages, 20);
      for (const page of pages) expect(await stateOf(page)).toEqual({ state: 'signed_in', signedOut: 0 });
      expect(site.authService.count('refresh')).toBeGreaterThanOrEqual(4);
      expect(site.authService.count('refresh')).toBeLessThanOrEqual(5);
      for (const page of pages)
        expect(await page.evaluate(() => globalThis.testPage.sendQueries(1, 0))).toEqual(['ok']);
    },
  );

  it('refresh at once when one is shown after the refresh is due', async () => {
    await using site = await startDeployed();
    await using context = await browser.newContext();
    await signIn(site, context);
    const page = await openHidden(site, context);
    await pass(site, [page], 3);
    expect(site.authService.count('refresh')).toBe(0);
    await show(page);
    await expect.poll(() => site.authService.count('refresh')).toBe(1);
  });
});
