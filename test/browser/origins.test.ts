import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, launchChromium } from '../support/page/chromium.ts';
import { type Site, startSite } from './start-site.ts';

const ethan = 'ethan.caldwell@example.com';

/** The origins of two systems that share the cookies of one domain. */
const startOrigins = async () => {
  const site = await startSite({
    env: { COOKIE_DOMAIN: 'app.localhost' },
    pages: { '/help': '<!doctype html><title>Help</title>' },
  });
  const [tts, bms] = ['tts', 'bms'].map((system) => site.urlOf(`${system}.app.localhost`));
  return { site, tts: String(tts), bms: String(bms), [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() };
};

const open = async (context: BrowserContext, url: string): Promise<Page> => {
  const page = await context.newPage();
  await page.goto(url);
  return page;
};

const sendQuery = (page: Page) => page.evaluate(() => globalThis.testPage.sendQueries(1, 0));
const signIn = (page: Page, email?: string) => page.evaluate((as) => globalThis.testPage.signIn(as), email);
const read = (page: Page) =>
  page.evaluate(() => {
    const { states, signedOut, shown, current } = globalThis.testPage;
    return { states, signedOut, shown, person: current().user?.id };
  });

describe.skipIf(!hasChromium)('origins that share the cookies, in one Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium({ keepsPages: true });
  });
  afterAll(() => browser.close());

  it('detect with their next response that another person has signed in on one of them', async () => {
    await using origins = await startOrigins();
    await using context = await browser.newContext();
    const [tts, bms] = [await open(context, origins.tts), await open(context, origins.bms)];
    await signIn(tts);
    expect(await sendQuery(bms)).toEqual(['ok']);
    await signIn(bms, ethan);
    expect(await read(tts)).toMatchObject({ states: ['signed_in'], person: 123 });
    expect(await sendQuery(tts)).toEqual(['ok']);
    expect(await read(tts)).toMatchObject({ states: ['signed_in', 'changed'], person: 2, signedOut: 0 });
    expect(await read(bms)).toMatchObject({ states: ['signed_in', 'changed'], person: 2 });
  });

  /** Navigates to another page of the same origin, runs an action there, and navigates back. */
  const goAndComeBack = async (
    { site, tts }: { site: Site; tts: string },
    page: Page,
    meanwhile: () => Promise<void>,
  ) => {
    await page.goto(`${tts}help`);
    await meanwhile();
    site.requestedPaths.length = 0;
    site.statuses.length = 0;
    await page.evaluate(() => history.back());
    await page.waitForFunction(() => globalThis.testPage?.shown.length === 2);
    expect((await read(page)).shown).toEqual([false, true]);
  };

  it('get session.current as the first call of a page restored from the back/forward cache', async () => {
    await using origins = await startOrigins();
    await using context = await browser.newContext();
    const [tts, bms] = [await open(context, origins.tts), await open(context, origins.bms)];
    await signIn(tts);
    await goAndComeBack(origins, tts, () => signIn(bms, ethan));
    expect(await sendQuery(tts)).toEqual(['ok']);
    expect(origins.site.requestedPaths).toEqual(['session.current', 'users.byId']);
    expect(await read(tts)).toMatchObject({ states: ['signed_in', 'changed'], person: 2, signedOut: 0 });
  });

  it('tell a page restored from the back/forward cache without a 401 that its session has ended', async () => {
    await using origins = await startOrigins();
    await using context = await browser.newContext();
    const [tts, bms] = [await open(context, origins.tts), await open(context, origins.bms)];
    await signIn(tts);
    await goAndComeBack(origins, tts, () => bms.evaluate(() => globalThis.testPage.signOut()));
    await tts.waitForFunction(() => globalThis.testPage.current().state === 'signed_out');
    expect(await read(tts)).toMatchObject({ states: ['signed_in', 'signed_out'], signedOut: 1 });
    expect(origins.site.requestedPaths).toEqual(['session.current']);
    expect(origins.site.statuses).toEqual([200]);
  });

  it('start the session of a page restored from the back/forward cache after a sign-in on the next page', async () => {
    await using origins = await startOrigins();
    await using context = await browser.newContext();
    const [tts, bms] = [await open(context, origins.tts), await open(context, origins.bms)];
    expect(await sendQuery(tts)).toEqual(['no_token']);
    await goAndComeBack(origins, tts, () => signIn(bms));
    await tts.waitForFunction(() => globalThis.testPage.current().state === 'signed_in');
    expect(await read(tts)).toMatchObject({ states: ['signed_out', 'signed_in'], person: 123, signedOut: 0 });
  });
});
