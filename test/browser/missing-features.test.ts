import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hold } from '../support/time/hold.ts';
import { cookiesLeft, hasChromium, launchChromium } from '../support/page/chromium.ts';
import { type Site, startSite } from './start-site.ts';

const ethan = 'ethan.caldwell@example.com';

/** Features that a browser may lack. Each function runs in the page, before the page's own code, and must be self-contained. */
type Missing = [feature: string, remove: () => void, locks?: 'no locks'];
const missing: Missing[] = [
  ['Web Locks', () => Object.defineProperty(navigator, 'locks', { value: undefined }), 'no locks'],
  ['BroadcastChannel', () => void Reflect.deleteProperty(globalThis, 'BroadcastChannel')],
  [
    'Web Locks and BroadcastChannel',
    () => {
      Object.defineProperty(navigator, 'locks', { value: undefined });
      Reflect.deleteProperty(globalThis, 'BroadcastChannel');
    },
    'no locks',
  ],
  [
    'storage, which it blocks: channels, locks and localStorage throw',
    () => {
      const refuse = () => {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      };
      Object.defineProperty(globalThis, 'BroadcastChannel', { value: refuse });
      for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches']) {
        Object.defineProperty(globalThis, name, { get: refuse });
      }
      Object.defineProperty(navigator, 'locks', { get: refuse });
    },
    'no locks',
  ],
  [
    'keepalive of fetch and the events pageshow, resume and visibilitychange',
    () => {
      const { fetch } = globalThis;
      globalThis.fetch = (input, init) => fetch(input, { ...init, keepalive: false });
      for (const target of [document, window]) {
        const listen = target.addEventListener.bind(target);
        target.addEventListener = (type: string, ...rest: [never]) => {
          if (!/^(pageshow|resume|visibilitychange)$/.test(type)) listen(type, ...rest);
        };
      }
    },
  ],
  [
    'a clock that runs on while the computer sleeps, and performance',
    () => {
      const startedAt = Date.now();
      Object.defineProperty(globalThis, 'performance', { value: { now: () => 0 } });
      Date.now = () => startedAt + 86_400_000;
    },
  ],
  [
    'everything newer than Chrome 97, Firefox 104 and Safari 15.4',
    () => {
      const newer: ReadonlyArray<readonly [owner: object, names: string]> = [
        [Array, 'fromAsync'],
        [Array.prototype, 'toSorted toReversed toSpliced with group groupToMap'],
        [Object, 'groupBy'],
        [Map, 'groupBy'],
        [Promise, 'withResolvers try'],
        [AbortSignal, 'any timeout abort'],
        [AbortSignal.prototype, 'throwIfAborted reason'],
        [Set.prototype, 'union intersection difference symmetricDifference isSubsetOf isSupersetOf isDisjointFrom'],
        [String.prototype, 'isWellFormed toWellFormed'],
        [URL, 'canParse parse'],
        [URLSearchParams.prototype, 'size'],
        [Response, 'json'],
        [Headers.prototype, 'getSetCookie'],
        [RegExp, 'escape'],
        [Error, 'isError captureStackTrace'],
        [Math, 'sumPrecise f16round'],
        [
          globalThis,
          'structuredClone Iterator scheduler navigation cookieStore CompressionStream URLPattern SuppressedError DisposableStack AsyncDisposableStack',
        ],
      ];
      for (const [owner, names] of newer) {
        for (const name of names.split(' ')) {
          if (!Reflect.deleteProperty(owner, name)) throw new Error(`${name} cannot be removed.`);
        }
      }
    },
  ],
];

const open = async (site: Site, context: BrowserContext): Promise<Page> => {
  const page = await context.newPage();
  await page.goto(site.url);
  return page;
};
const sendQuery = (page: Page) => page.evaluate(() => globalThis.testPage.sendQueries(1, 0));
const signIn = (page: Page, email?: string) => page.evaluate((as) => globalThis.testPage.signIn(as), email);
const read = (page: Page) =>
  page.evaluate(() => {
    const { signedOut, current } = globalThis.testPage;
    return { state: current().state, person: current().user?.id, signedOut };
  });

describe.skipIf(!hasChromium)('tabs of a Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  /** Three tabs without a feature, of which the first has signed in. Collects uncaught errors. */
  const openTabs = async (remove: () => void) => {
    const site = await startSite();
    const context = await browser.newContext();
    await context.addInitScript(remove);
    const errors: string[] = [];
    context.on('weberror', (error) => errors.push(error.error().message));
    const pages = await Promise.all([open(site, context), open(site, context), open(site, context)]);
    await signIn(pages[0]);
    for (const page of pages) expect(await sendQuery(page)).toEqual(['ok']);
    return {
      site,
      context,
      pages,
      errors,
      async [Symbol.asyncDispose]() {
        await context.close();
        await site[Symbol.asyncDispose]();
      },
    };
  };

  describe.each<Missing>(missing)('without %s', (_name, remove, locks) => {
    it('stay signed in through expiries, with one exchange for each, or one per tab without locks', async () => {
      await using tabs = await openTabs(remove);
      for (let expiry = 1; expiry <= 3; expiry += 1) {
        tabs.site.expire();
        const answers = await Promise.all(
          tabs.pages.map((page) => page.evaluate(() => globalThis.testPage.sendQueries(3, 2))),
        );
        expect(new Set(answers.flat())).toEqual(new Set(['ok']));
      }
      // Without locks a tab may refresh just after another one has: then it exchanges the new token.
      const most = locks === 'no locks' ? 3 * tabs.pages.length : 3;
      expect(tabs.site.authService.count('refresh')).toBeGreaterThanOrEqual(3);
      expect(tabs.site.authService.count('refresh')).toBeLessThanOrEqual(most);
      for (const page of tabs.pages)
        expect(await read(page)).toEqual({ state: 'signed_in', person: 123, signedOut: 0 });
      expect(tabs.errors).toEqual([]);
    });

    it('all know of a sign-out and of another person in one of them, with their next call at the latest', async () => {
      await using tabs = await openTabs(remove);
      await tabs.pages[1].evaluate(() => globalThis.testPage.signOut());
      for (const page of tabs.pages) {
        expect(await sendQuery(page)).toEqual(['no_token']);
        expect(await read(page)).toEqual({ state: 'signed_out', person: undefined, signedOut: 1 });
      }
      expect(await cookiesLeft(tabs.context)).toEqual([]);
      await signIn(tabs.pages[2]);
      for (const page of tabs.pages) {
        expect(await sendQuery(page)).toEqual(['ok']);
        expect(await read(page)).toEqual({ state: 'signed_in', person: 123, signedOut: 1 });
      }
      await signIn(tabs.pages[0], ethan);
      for (const page of tabs.pages) {
        expect(await sendQuery(page)).toEqual(['ok']);
        expect(await read(page)).toEqual({ state: 'changed', person: 2, signedOut: 1 });
      }
      expect(tabs.errors).toEqual([]);
    });

    it('stay signed out if one of them signs out during the refresh of another', async () => {
      await using tabs = await openTabs(remove);
      tabs.site.expire();
      const { until, release } = hold();
      tabs.site.authService.fault('refresh', { kind: 'hold', until });
      const waiting = sendQuery(tabs.pages[0]);
      await expect.poll(() => tabs.site.authService.count('refresh')).toBe(1);
      await tabs.pages[1].evaluate(() => globalThis.testPage.signOut());
      release();
      expect([['session_ended'], ['no_token']]).toContainEqual(await waiting);
      for (const page of tabs.pages) {
        expect(await sendQuery(page)).toEqual(['no_token']);
        expect(await read(page)).toEqual({ state: 'signed_out', person: undefined, signedOut: 1 });
      }
      expect(await cookiesLeft(tabs.context)).toEqual([]);
    });
  });
});

describe.skipIf(!hasChromium)('a page without keepalive that is left during its refresh', () => {
  it('leaves the session to the next page, which gets the tokens of the same exchange', async () => {
    await using browser = await launchChromium();
    await using site = await startSite();
    await using context = await browser.newContext();
    await context.addInitScript(() => {
      const { fetch } = globalThis;
      globalThis.fetch = (input, init) => fetch(input, { ...init, keepalive: false });
    });
    const page = await open(site, context);
    await signIn(page);
    site.expire();
    const { until, release } = hold();
    site.authService.fault('refresh', { kind: 'hold', until });
    const left = sendQuery(page).catch(() => []);
    await expect.poll(() => site.authService.count('refresh')).toBe(1);
    await page.goto('about:blank');
    await left;
    release();
    await page.goto(site.url);
    expect(await sendQuery(page)).toEqual(['ok']);
    expect(await read(page)).toEqual({ state: 'signed_in', person: 123, signedOut: 0 });
    expect(site.authService.count('refresh')).toBe(1);
  });
});

describe.skipIf(!hasChromium)('a page of plain http on another host than localhost', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium({ mappedHost: 'lan.test' });
  });
  afterAll(() => browser.close());

  it('has no locks, and stays signed in all the same', async () => {
    await using site = await startSite();
    await using context = await browser.newContext();
    const pages = [await context.newPage(), await context.newPage()] as const;
    for (const page of pages) await page.goto(site.urlOf('lan.test'));
    expect(await pages[0].evaluate(() => [isSecureContext, 'locks' in navigator])).toEqual([false, false]);
    await signIn(pages[0]);
    site.expire();
    expect(await Promise.all(pages.map(sendQuery))).toEqual([['ok'], ['ok']]);
    await pages[1].evaluate(() => globalThis.testPage.signOut());
    expect(await sendQuery(pages[0])).toEqual(['no_token']);
  });

  it.each([
    ['are Secure', { COOKIE_SECURE: 'true' }, ''],
    ['belong to a frame in a page of another site', {}, 'frame'],
  ])('gets no_token with its next call after a sign-in if its cookies %s', async (_name, env, frameName) => {
    const pages: Record<string, string> = {};
    await using site = await startSite({ env, pages });
    pages['/parent'] = `<!doctype html><iframe name="frame" src="${site.urlOf('lan.test')}"></iframe>`;
    await using context = await browser.newContext();
    const errors: string[] = [];
    context.on('weberror', (error) => errors.push(error.error().message));
    const page = await context.newPage();
    await page.goto(frameName === '' ? site.urlOf('lan.test') : `${site.url}parent`);
    const frame = page.frames().find((one) => one.name() === frameName);
    if (frame === undefined) throw new Error('There is no such frame.');
    await frame.evaluate(() => globalThis.testPage.signIn());
    expect(await frame.evaluate(() => globalThis.testPage.sendQueries(1, 0))).toEqual(['no_token']);
    expect(await frame.evaluate(() => globalThis.testPage.signedOut)).toBe(1);
    expect(await cookiesLeft(context)).toEqual([]);
    expect(errors).toEqual([]);
  });
});

describe.skipIf(!hasChromium)('a tab that resumes after it was frozen', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it.each([
    ['asks who is signed in before its next call', null, ['session.current', 'users.byId']],
    [
      'knows of another person by its next call, if the browser sends no resume event',
      () => {
        const listen = document.addEventListener.bind(document);
        document.addEventListener = (type: string, ...rest: [never]) => {
          if (type !== 'resume') listen(type, ...rest);
        };
      },
      ['users.byId'],
    ],
  ] as const)('%s', async (_name, remove, paths) => {
    await using site = await startSite();
    await using context = await browser.newContext();
    if (remove !== null) await context.addInitScript(remove);
    const page = await open(site, context);
    await signIn(page);
    const { access, refresh } = await site.authService.issue({ type: 'staff', id: 2 });
    const cookies = Object.entries({ access_token: access, refresh_token: refresh });
    await context.addCookies(cookies.map(([name, value]) => ({ name, value, url: site.url, httpOnly: true })));
    site.requestedPaths.length = 0;
    // Chromium freezes only hidden tabs, and Playwright shows every tab, so the test sends the event.
    await page.evaluate(() => document.dispatchEvent(new Event('resume')));
    expect(await sendQuery(page)).toEqual(['ok']);
    expect(site.requestedPaths).toEqual(paths);
    expect(await read(page)).toEqual({ state: 'changed', person: 2, signedOut: 0 });
  });
});
