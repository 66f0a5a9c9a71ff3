import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { johnsCredentials } from '../../support/app/people.ts';
import { accessLifetimeMs } from '../../support/app/start-app.ts';
import { cookiesLeft, hasChromium, launchChromium } from '../../support/page/chromium.ts';
import { type NextApp, startNextApp } from './start-next-app.ts';

let app: NextApp;
beforeAll(async () => {
  app = await startNextApp();
}, 300_000);
afterAll(() => app?.[Symbol.asyncDispose]());

const johnsName = 'Hello John Doe';

/** The heading of a rendered page. */
const headingOf = async (page: Response) => /<h1>([^<]*)<\/h1>/.exec(await page.text())?.[1];

describe('the Next application of the docs', () => {
  it('shows a visitor without cookies the sign-in, and no error', async () => {
    const visitor = app.openVisitor();
    const guarded = await visitor.fetch(`${app.url}/account`, { redirect: 'manual' });
    expect(guarded.status).toBe(307);
    expect(new URL(guarded.headers.get('location') ?? '', app.url).pathname).toBe('/login');
    const login = await visitor.fetch(`${app.url}/login`);
    expect(login.status).toBe(200);
    expect(await login.text()).toContain('Sign in</button>');
    expect(visitor.setCookies).toEqual([]);
    expect(app.serverOutput()).not.toMatch(/error/i);
  });

  it('renders the page of a signed-in person with their name, which no cache may keep', async () => {
    const browser = await app.openSignedIn();
    const page = await browser.fetch(`${app.url}/account`);
    expect(await headingOf(page)).toBe(johnsName);
    expect(page.headers.get('cache-control')).toContain('no-store');
    expect(browser.setCookies).toEqual([]);
  });

  it('renders the page of an expired session, and gives the browser working cookies', async () => {
    const browser = await app.openSignedIn();
    const expired = browser.cookies.get('access_token');
    app.clock.advance(accessLifetimeMs.guide + 1_000);
    const page = await browser.fetch(`${app.url}/account`);
    expect(page.status).toBe(200);
    expect(await headingOf(page)).toBe(johnsName);
    expect(browser.setCookies[0]).toMatch(/^access_token=ey[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(browser.cookies.get('access_token')).not.toBe(expired);
    expect((await browser.trpc.session.me.query()).user.id).toBe(123);
  });

  it('refreshes once for four parallel pages, which all show the name', async () => {
    const browser = await app.openSignedIn();
    app.clock.advance(accessLifetimeMs.guide + 1_000);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const before = app.bff.authService.count('refresh');
    const pages = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const page = await fetch(`${app.url}/account`, { headers: { cookie } });
        return { heading: await headingOf(page), setCookies: page.headers.getSetCookie() };
      }),
    );
    expect(app.bff.authService.count('refresh') - before).toBe(1);
    for (const { heading, setCookies } of pages) {
      expect(heading).toBe(johnsName);
      expect(setCookies).toEqual(pages[0]?.setCookies);
      expect(setCookies.length).toBeGreaterThan(0);
    }
  });

  it('sends a person whose refresh is refused to the sign-in, with the deletions of the BFF', async () => {
    const browser = await app.openSignedIn();
    app.clock.advance(accessLifetimeMs.guide + 1_000);
    app.bff.authService.fault('refresh', { kind: 'status', status: 401, body: '{"detail":"Token is blacklisted"}' });
    const page = await browser.fetch(`${app.url}/account`, { redirect: 'manual' });
    app.bff.authService.clearFaults();
    expect(page.status).toBe(307);
    expect(browser.cookies.size).toBe(0);
  });

  it('renders pages of two people at once, each with their own name', async () => {
    const browser = await app.openSignedIn();
    const other = app.openVisitor();
    other.holdTokens(await app.bff.authService.issue({ type: 'staff', id: 2 }));
    const headings = await Promise.all(
      [browser, other].map(async ({ fetch }) => headingOf(await fetch(`${app.url}/account`))),
    );
    expect(headings).toEqual([johnsName, 'Hello Ethan Caldwell']);
  });

  describe.skipIf(!hasChromium)('in Chromium', () => {
    let chromium: Browser;
    beforeAll(async () => {
      chromium = await launchChromium({ keepsPages: true });
    });
    afterAll(() => chromium?.close());

    const openPage = async () => {
      const context = await chromium.newContext();
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        // The application has no icon.
        const isIcon = message.location().url.endsWith('/favicon.ico');
        if (message.type() === 'error' && !isIcon) complaints.push(message.text());
      });
      const signIn = async () => {
        await page.goto(`${app.url}/account`);
        await page.waitForURL('**/login');
        await page.locator('input[name=email]').fill(johnsCredentials.email);
        await page.locator('input[name=password]').fill(johnsCredentials.password);
        await page.locator('button', { hasText: 'Sign in' }).click();
        await page.waitForURL('**/account');
        await page.locator('h1', { hasText: johnsName }).waitFor();
      };
      return { context, page, complaints, signIn };
    };

    it('signs a person in, hydrates their page without a call, and shows nothing of them after the sign-out', async () => {
      const { context, page, complaints, signIn } = await openPage();
      await signIn();
      const calls: string[] = [];
      page.on('request', (request) => {
        if (request.url().includes('/trpc/users.me')) calls.push(request.url());
      });
      await page.reload({ waitUntil: 'networkidle' });
      expect(await page.locator('h1').textContent()).toBe(johnsName);
      expect(calls).toEqual([]);

      await page.locator('button', { hasText: 'Sign out' }).click();
      await page.waitForURL('**/login');
      await page.locator('input[name=email]').waitFor();
      expect(await cookiesLeft(context)).toEqual([]);
      await page.goBack({ waitUntil: 'networkidle' });
      await page.waitForURL('**/login');
      expect(await page.content()).not.toContain('John');
      expect(complaints).toEqual([]);
      await context.close();
    });

    it('opens a page signed in whose session has expired', async () => {
      const { context, page, complaints, signIn } = await openPage();
      await signIn();
      app.clock.advance(accessLifetimeMs.guide + 1_000);
      await page.reload();
      expect(await page.locator('h1').textContent()).toBe(johnsName);
      expect(complaints).toEqual([]);
      await context.close();
    });
  });

  // The last test: the BFF does not come back.
  it('renders pages while the BFF is down, and signs nobody out', async () => {
    const browser = await app.openSignedIn();
    await app.bff.app.close();
    const page = await browser.fetch(`${app.url}/account`, { redirect: 'manual' });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('Loading');
    expect(browser.setCookies).toEqual([]);
    expect(browser.cookies.size).toBe(2);
    const token = browser.cookies.get('access_token') ?? '';
    expect(app.serverOutput()).toContain('fetch failed');
    expect(app.serverOutput()).not.toContain(token);
  });
});
