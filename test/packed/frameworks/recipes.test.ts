import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signInPeople } from '../../../server/dev/auth-service/people/people.ts';
import { type Site, startSite } from '../../browser/start-site.ts';
import { cookiesLeft, hasChromium, launchChromium } from '../../support/page/chromium.ts';
import { hold } from '../../support/time/hold.ts';
import { createPacking, type Packing } from '../packing.ts';
import { runWell } from '../run.ts';
import { filesInDocs } from '../docs-app.ts';
import { buildProject, checkProject, createRecipeProject, type Recipe } from './recipe-project.ts';

/** As in the templates of Vite. */
const toIndexHtml = (id: string, script: string) => `<!doctype html><title>Tickets</title><div id="${id}"></div>
<script type="module" src="/src/${script}"></script>`;

const react: Recipe = {
  name: 'react',
  page: 'docs/frontends/react.md',
  packages: [
    'react@19',
    'react-dom@19',
    '@types/react@19',
    '@types/react-dom@19',
    '@tanstack/react-query@5',
    '@trpc/tanstack-react-query@11.22.1',
    '@vitejs/plugin-react@6',
    'react-router@8',
  ],
  check: ['tsc', '--noEmit'],
  template: {
    'index.html': toIndexHtml('root', 'main.tsx'),
    'src/main.tsx': `import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import App from './App.tsx';
createRoot(document.getElementById('root')!).render(<StrictMode><App /></StrictMode>);`,
  },
  compilerOptions: { jsx: 'react-jsx', allowImportingTsExtensions: true },
};
const vue: Recipe = {
  name: 'vue',
  page: 'docs/frontends/vue.md',
  packages: ['vue@3', '@tanstack/vue-query@5', '@vitejs/plugin-vue@6', 'vue-router@5', 'vue-tsc@3'],
  check: ['vue-tsc', '--noEmit'],
  template: { 'index.html': toIndexHtml('app', 'main.ts') },
};
const svelte: Recipe = {
  name: 'svelte',
  page: 'docs/frontends/svelte.md',
  packages: ['svelte@5', '@tanstack/svelte-query@6', '@sveltejs/vite-plugin-svelte@7', 'svelte-check@4'],
  check: ['svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings'],
  template: { 'index.html': toIndexHtml('app', 'main.ts') },
};
const vanilla: Recipe = {
  name: 'vanilla',
  page: 'docs/frontends/without-a-framework.md',
  packages: [],
  check: ['tsc', '--noEmit'],
};
const recipes = [react, vue, svelte, vanilla];

let packing: Packing;
const folders = new Map<string, string>();
const pages = new Map<string, string>();
beforeAll(async () => {
  packing = createPacking('client');
  await Promise.all(
    recipes.map(async (recipe) => {
      const folder = await createRecipeProject(packing, recipe);
      folders.set(recipe.name, folder);
      pages.set(recipe.name, await buildProject(folder));
    }),
  );
}, 300_000);
afterAll(() => packing?.[Symbol.dispose]());

describe('the recipes of docs/frontends with the packed client', () => {
  it.each(recipes)('compile in strict mode: $name', async (recipe) => {
    expect(filesInDocs(recipe.page).size).toBeGreaterThan(2);
    await checkProject(folders.get(recipe.name) ?? '', recipe);
  });

  it('let Svelte read the session as a store, by get and by a subscriber with an invalidation callback', async () => {
    const script = `
      import { createAuthClient } from '@auth-bff/client';
      import { derived, get } from 'svelte/store';
      const { session } = createAuthClient({ url: 'https://bff.test/trpc', notifyOnSubscribe: true });
      console.log(get(session).state, get(derived(session, ({ user }) => user)));`;
    const output = await runWell(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: folders.get('svelte') ?? '',
    });
    expect(output).toBe('unknown null\n');
  });
});

describe.skipIf(!hasChromium)('the page of a recipe, in Chromium before a real BFF', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  /** `prepare` is called before the page loads. */
  const open = async ({ name }: Recipe, prepare?: (page: Page) => Promise<void>) => {
    const site = await startSite({ folder: pages.get(name) ?? '' });
    const context = await browser.newContext();
    const page = await context.newPage();
    /** Errors in the page, and error lines in its console. */
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (line) => {
      if (line.type() === 'error') errors.push(line.text());
    });
    await prepare?.(page);
    await page.goto(site.url);
    return {
      site,
      page,
      context,
      errors,
      async [Symbol.asyncDispose]() {
        await context.close();
        await site[Symbol.asyncDispose]();
      },
    };
  };

  const signIn = async (page: Page, email = 'user@example.com', password = 'staff-pass-1') => {
    await page.fill('[name=email]', email);
    await page.fill('[name=password]', password);
    await page.click('button:text("Sign in")');
  };

  const personOf = (firstName: string) => {
    const found = signInPeople.find(({ email }) => email.startsWith(firstName));
    if (found === undefined) throw new Error(`${firstName} cannot sign in.`);
    return found;
  };

  /** Puts the cookies of another person's sign-in, as another tab would, into this browser. */
  const signInElsewhere = async ({ site, page }: { site: Site; page: Page }, id: number) => {
    const { access, refresh } = await site.authService.issue({ type: 'staff', id });
    const cookies = Object.entries({ access_token: access, refresh_token: refresh });
    await page.context().addCookies(cookies.map(([name, value]) => ({ name, value, url: site.url, httpOnly: true })));
  };

  describe.each([react, vue, svelte])('with $name', (recipe) => {
    it('shows the sign-in to a visitor, without an error in the console', async () => {
      await using opened = await open(recipe);
      await opened.page.waitForSelector('[name=email]');
      expect(opened.site.requestedPaths).toEqual(['session.current']);
      expect(opened.errors).toEqual([]);
    });

    it('explains a wrong password, and then signs in, refreshes and signs out', async () => {
      await using opened = await open(recipe);
      const { page, site, context } = opened;
      await signIn(page, 'user@example.com', 'wrong-password-1');
      await page.waitForSelector('text=Wrong');
      await signIn(page);
      await page.waitForSelector('text=Hello John');

      site.expire();
      site.requestedPaths.length = 0;
      await page.click('button:text("Reload")');
      await expect.poll(() => site.requestedPaths.at(-1)).toBe('users.me');
      await expect.poll(() => site.requestedPaths.filter((path) => path === 'users.me').length).toBe(2);
      expect(site.authService.count('refresh')).toBe(1);
      await page.waitForSelector('text=Hello John');

      site.requestedPaths.length = 0;
      opened.errors.length = 0;
      await page.click('button:text("Sign out")');
      await page.waitForSelector('[name=email]');
      expect(await page.textContent('body')).not.toContain('John');
      expect(await cookiesLeft(context)).toEqual([]);
      // The query of the page is not sent once more, only to be rejected.
      expect(site.requestedPaths).toEqual(['session.logout']);
      expect(opened.errors).toEqual([]);

      await signIn(page, 'ethan.caldwell@example.com');
      await page.waitForSelector('text=Hello Ethan');
    });

    it('drops the data of the previous person before it has that of another one, who has signed in elsewhere', async () => {
      await using opened = await open(recipe);
      const { page } = opened;
      await signIn(page);
      await page.waitForSelector('text=Hello John');
      await signInElsewhere(opened, 2);
      const { until, release } = hold();
      await page.route('**/trpc/users.me*', async (route) => {
        await until;
        await route.continue();
      });
      // As a page that was frozen: it asks who is signed in, and no component has asked for anything.
      await page.evaluate(() => document.dispatchEvent(new Event('resume')));
      await page.waitForSelector('text=Loading');
      expect(await page.textContent('body')).not.toContain('John');
      release();
      await page.waitForSelector('text=Hello Ethan');
      expect(opened.errors).toEqual([]);
    });

    it('shows an outage at page load, and recovers without a reload', async () => {
      let failures = 0;
      await using opened = await open(recipe, async (page) => {
        await page.clock.install();
        await page.route('**/trpc/**', async (route) => {
          await route.abort();
          failures += 1;
        });
      });
      const { page, site } = opened;
      await page.waitForSelector('text=The service is unavailable. Retrying automatically.');
      // The first request after it fails, too.
      await page.clock.runFor(3_000);
      await expect.poll(() => failures).toBe(2);
      await page.unroute('**/trpc/**');
      expect(site.requestedPaths).toEqual([]);
      await page.clock.runFor(30_000);
      await page.waitForSelector('[name=email]');
      await signIn(page);
      await page.waitForSelector('text=Hello John');
    });

    it('signs in with a second factor, after a wrong code', async () => {
      await using opened = await open(recipe);
      const { page, site } = opened;
      const { email, password } = personOf('rafael');
      await signIn(page, email, password);
      await page.waitForSelector('[name=code]');
      const code = site.authService.lastCode(email) ?? '';
      await page.fill('[name=code]', code === '000000' ? '111111' : '000000');
      await page.click('button:text("Sign in")');
      await page.waitForSelector('form p');
      await page.fill('[name=code]', code);
      await page.click('button:text("Sign in")');
      await page.waitForSelector('text=Hello Rafael');
      expect(site.requestedPaths.filter((path) => path === 'session.verifyOtp')).toHaveLength(2);
    });

    it('signs in with a captcha when the Auth Service asks for one', async () => {
      await using opened = await open(recipe);
      const { page, site } = opened;
      const { email, password } = personOf('hana');
      await signIn(page, email, password);
      await page.fill('[name=captchaToken]', 'captcha-ok');
      await page.click('button:text("Sign in")');
      await page.waitForSelector('text=Hello Hana');
      expect(site.requestedPaths.filter((path) => path === 'session.login')).toHaveLength(2);
    });

    it('shows the message of the BFF after too many failed sign-ins', async () => {
      await using opened = await open(recipe);
      const { page, site } = opened;
      const failed = {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-csrf': '1' },
        body: JSON.stringify({ json: { email: 'user@example.com', password: 'wrong-password-1' } }),
      };
      for (let attempts = 0; attempts < 7; attempts += 1) await fetch(`${site.url}trpc/session.login`, failed);
      await signIn(page);
      await page.waitForSelector('text=Too many requests.');
      expect(site.statuses.at(-1)).toBe(429);
    });

    it('stays signed in if the sign-out fails during an outage, and says so', async () => {
      await using opened = await open(recipe);
      const { page } = opened;
      await signIn(page);
      await page.waitForSelector('text=Hello John');
      await opened.context.setOffline(true);
      await page.click('button:text("Sign out")');
      await page.waitForSelector('text=Still signed in');
      await opened.context.setOffline(false);
      await page.click('button:text("Reload")');
      await page.waitForSelector('text=Hello John');
      // Not sent later: by then another person may have signed in.
      expect(opened.site.requestedPaths).not.toContain('session.logout');
    });
  });

  describe('without a framework', () => {
    it('signs in with a second factor, after a wrong code', async () => {
      await using opened = await open(vanilla);
      const { page, site } = opened;
      const { email, password } = personOf('rafael');
      await signIn(page, email, password);
      await page.waitForSelector('text=Enter the code');
      const code = site.authService.lastCode(email) ?? '';
      await page.fill('[name=code]', code === '000000' ? '111111' : '000000');
      await page.click('button:text("Confirm")');
      await expect.poll(() => page.textContent('[role=status]')).toMatch(/code/i);
      await expect.poll(() => site.requestedPaths.filter((path) => path === 'session.verifyOtp').length).toBe(1);
      await page.fill('[name=code]', code);
      await page.click('button:text("Confirm")');
      await page.waitForSelector('text=Signed in as Rafael');
      expect(await page.isHidden('[name=code]')).toBe(true);
    });

    it('signs in with a captcha when the Auth Service asks for one', async () => {
      await using opened = await open(vanilla);
      const { page, site } = opened;
      page.on('dialog', (dialog) => void dialog.accept('captcha-ok'));
      const { email, password } = personOf('hana');
      await signIn(page, email, password);
      await page.waitForSelector('text=Signed in as Hana');
      expect(site.requestedPaths.filter((path) => path === 'session.login')).toHaveLength(2);
    });

    it('says that the service is unavailable if the guard cannot reach it', async () => {
      await using opened = await open(vanilla);
      const { page } = opened;
      await page.route('**/trpc/**', (route) => route.abort());
      await page.reload();
      await page.waitForSelector('text=The service is unavailable.');
      expect(await page.isHidden('[name=email]')).toBe(true);
    });

    it('guards, signs in and signs out, and shows another person after a reload', async () => {
      await using opened = await open(vanilla);
      const { page, site } = opened;
      await page.waitForSelector('text=Please sign in.');
      expect(opened.errors).toEqual([]);
      await signIn(page);
      await page.waitForSelector('text=Signed in as John Doe');
      site.expire();
      await page.reload();
      await page.waitForSelector('text=Signed in as John Doe');
      expect(site.authService.count('refresh')).toBe(1);
      await page.click('button:text("Sign out")');
      await page.waitForSelector('text=Please sign in.');
      expect(await cookiesLeft(opened.context)).toEqual([]);
    });
  });
});
