import type { Browser, Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, launchChromium } from '../support/page/chromium.ts';
import { startSite } from './start-site.ts';

const srcdoc = 'srcdoc="&lt;!doctype html>&lt;script src=/page.js>&lt;/script>"';
const pages = {
  '/frames': `<!doctype html>
    <iframe name="srcdoc" ${srcdoc}></iframe>
    <iframe name="sandboxed srcdoc" sandbox="allow-scripts" ${srcdoc}></iframe>
    <iframe name="sandboxed" sandbox="allow-scripts" src="/"></iframe>`,
};

describe.skipIf(!hasChromium)('a frame of a page in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  /** Opens a page of a signed-in person. Collects the errors thrown in it and in its frames. */
  const openFrames = async (url: string) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const uncaught: string[] = [];
    page.on('pageerror', ({ message }) => uncaught.push(message));
    await page.goto(url);
    await page.evaluate(() => globalThis.testPage.signIn());
    await page.goto(`${url}frames`);
    return {
      uncaught,
      frame: (name: string): Frame => {
        const frame = page.frames().find((one) => one.name() === name);
        if (frame === undefined) throw new Error(`There is no frame ${name}.`);
        return frame;
      },
      [Symbol.asyncDispose]: () => context.close(),
    };
  };

  it('without a URL (srcdoc) uses the BFF and the session of its parent', async () => {
    await using site = await startSite({ pages });
    await using page = await openFrames(site.url);
    const frame = page.frame('srcdoc');
    expect(await frame.evaluate(() => [location.href, globalThis.testPage.current().state])).toEqual([
      'about:srcdoc',
      'unknown',
    ]);
    expect(await frame.evaluate(() => globalThis.testPage.sendQueries(2, 0))).toEqual(['ok', 'ok']);
    expect(await frame.evaluate(() => globalThis.testPage.current().state)).toBe('signed_in');
    expect(page.uncaught).toEqual([]);
  });

  it.each(['sandboxed srcdoc', 'sandboxed'])(
    'without an origin has a client whose calls fail with network: %s',
    async (name) => {
      await using site = await startSite({ pages });
      await using page = await openFrames(site.url);
      const frame = page.frame(name);
      expect(await frame.evaluate(() => origin)).toBe('null');
      expect(await frame.evaluate(() => globalThis.testPage.sendQueries(1, 0))).toEqual(['network']);
      expect(await frame.evaluate(() => globalThis.testPage.current().state)).toBe('unknown');
      expect(await frame.evaluate(() => globalThis.testPage.refresh())).toBe('network');
      expect(page.uncaught).toEqual([]);
    },
  );
});
