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

const ask = (page: Page) => page.evaluate(() => globalThis.testPage.ask(1, 0));
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

  it('learn by their next answer that another person has signed in on one of them', async () => {
    await using origins = await startOrigins();
    await using context = await browser.newContext();
    const [tts, bms] = [await open(context, origins.tts), await open(context, origins.bms)];
    await signIn(tts);
    expect(await ask(bms)).toEqual(['ok']);
    await signIn(bms, ethan);
    expect(await read(tts)).toMatchObject({ states: ['signed_in'], person: 123 });
    expect(await ask(tts)).toEqual(['ok']);
    expect(await read(tts)).toMatchObject({ states: ['signed_in', 'changed'], person: 2, signedOut: 0 });
    expect(await read(bms)).toMatchObject({ states: ['signed_in', 'changed'], person: 2 });
  });

  /** Goes to another page of the same origin and, once something was done there, back. */
  const goAndComeBack = async (
    { site, tts }: { site: Site; tts: string },
    page: Page,
    meanwhile: () => Promise<void>,
  ) => {
    await page.goto(`${tts}help`);
    await meanwhile();
    site.asked.length = 0;
    site.statuses.length = 0;
    await page.evaluate(() => history.back());
    await page.waitForFunction(() => globalThis.testPage?.shown.length === 2);
    expect((await read(page)).shown).toEqual([false, true]);
  };

  it('are asked first who is signed in, by a page out of the back/forward cache', async () => {
    await using origins = await startOrigins();
    await using context = await browser.newContext();
    const [tts, bms] = [await open(context, origins.tts), await open(context, origins.bms)];
    await signIn(tts);
    await goAndComeBack(origins, tts, () => signIn(bms, ethan));
    expect(await ask(tts)).toEqual(['ok']);
    expect(origins.site.asked).toEqual(['session.current', 'users.byId']);
    expect(await read(tts)).toMatchObject({ states: ['signed_in', 'changed'], person: 2, signedOut: 0 });
  });

  it('say so to a page out of the back/forward cache whose session has ended, without a 401', async () => {
    await using origins = await startOrigins();
    await using context = await browser.newContext();
    const [tts, bms] = [await open(context, origins.tts), await open(context, origins.bms)];
    await signIn(tts);
    await goAndComeBack(origins, tts, () => bms.evaluate(() => globalThis.testPage.signOut()));
    await tts.waitForFunction(() => globalThis.testPage.current().state === 'signed_out');
    expect(await read(tts)).toMatchObject({ states: ['signed_in', 'signed_out'], signedOut: 1 });
    expect(origins.site.asked).toEqual(['session.current']);
    expect(origins.site.statuses).toEqual([200]);
  });

  it('bring the session to a page out of the back/forward cache that led to the sign-in', async () => {
    await using origins = await startOrigins();
    await using context = await browser.newContext();
    const [tts, bms] = [await open(context, origins.tts), await open(context, origins.bms)];
    expect(await ask(tts)).toEqual(['no_token']);
    await goAndComeBack(origins, tts, () => signIn(bms));
    await tts.waitForFunction(() => globalThis.testPage.current().state === 'signed_in');
    expect(await read(tts)).toMatchObject({ states: ['signed_out', 'signed_in'], person: 123, signedOut: 0 });
  });
});
