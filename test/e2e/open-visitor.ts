import { fileURLToPath } from 'node:url';
import type { Result } from 'axe-core';
import axe from 'axe-core';
import type { Browser, Page, Request } from 'playwright-core';
import { expect } from 'vitest';
import type { RunningDesk } from './start-desk.ts';

export type Look = { width: number; scheme: 'light' | 'dark' };
/** What a visitor saw last. */
export type LastView = { text: string; errors: readonly string[] };
export type VisitorOptions = {
  browser: Browser;
  desk: RunningDesk;
  look?: Look;
  /** Called when the visitor leaves. */
  onLeave?: (view: LastView) => void;
};

declare global {
  // oxlint-disable-next-line no-var -- globals are declared with var
  var layoutShift: number;
}

const screenshots = fileURLToPath(new URL('screenshots/', import.meta.url));
export const heightOf = (width: number) => (width < 860 ? 844 : 900);

/** Sums the layout shifts without user input, as in the metric Cumulative Layout Shift. */
const watchLayout = () => {
  globalThis.layoutShift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as Array<PerformanceEntry & { value: number; hadRecentInput: boolean }>) {
      if (!entry.hadRecentInput) globalThis.layoutShift += entry.value;
    }
  }).observe({ type: 'layout-shift', buffered: true });
};

const toLine = ({ id, help, nodes }: Result) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`;

const desktop: Look = { width: 1440, scheme: 'light' };

/** Opens a browser context. Collects its console errors, except those that a test expects. */
export const openVisitor = async ({ browser, desk, look = desktop, onLeave }: VisitorOptions) => {
  const { width, scheme } = look;
  const context = await browser.newContext({
    viewport: { width, height: heightOf(width) },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  });
  await context.addInitScript(watchLayout);
  const errors: string[] = [];
  const expected: RegExp[] = [];
  const requests: string[] = [];
  context.on('request', (request) => void requests.push(request.url()));
  /** Calls without an answer. Subscriptions stay open. */
  const calls = new Set<Request>();
  context.on('request', (request) => {
    if (/\/trpc\/(?!assignments\.onTurn|session\.onEnd)/.test(request.url())) calls.add(request);
  });
  context.on('requestfinished', (request) => void calls.delete(request));
  context.on('requestfailed', (request) => void calls.delete(request));

  const watch = (page: Page) => {
    page.on('pageerror', (error) => void errors.push(`uncaught: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      errors.push(`${message.text()} ${message.location().url}`);
    });
  };
  context.on('page', watch);
  const page = await context.newPage();
  const namesAreShown = () => page.locator('.tickets .bone').first().waitFor({ state: 'detached' });

  return {
    context,
    page,
    /** The URLs of all requests of all tabs. */
    requests,
    go: () => page.goto(desk.url),
    /** Permits console errors that match, from now on: the failed requests of a scenario. */
    expectErrors: (...lines: RegExp[]) => void expected.push(...lines),
    unexpectedErrors: () => errors.filter((line) => !expected.some((pattern) => pattern.test(line))),
    /** Waits until the list of tickets shows the names of people. */
    namesAreShown,
    /** Signs in a seeded person with one click, and waits for the tickets and their names. */
    async signInAs(name: string): Promise<void> {
      await page.getByRole('button', { name }).click();
      await page.getByRole('heading', { name: /tickets/i }).waitFor();
      await namesAreShown();
    },
    /**
     * Signs out once the page has its answers: a call that the sign-out overtakes is refused, which the console shows. Waits for
     * the end: the next navigation would cancel the sign-out.
     */
    async signOut(): Promise<void> {
      await expect.poll(() => calls.size).toBe(0);
      const button = page.getByRole('button', { name: 'Sign out', exact: true });
      await button.click();
      await button.waitFor({ state: 'detached' });
    },
    /** Navigates to a part of the desk on narrow pages, which show one part at a time. */
    async turnTo(part: 'Tickets' | 'Turns' | 'Lab'): Promise<void> {
      const link = page.getByRole('link', { name: part, exact: true });
      if (await link.isVisible()) await link.click();
    },
    /** Selects a radio button. */
    choose: (group: string, choice: string) =>
      page.getByRole('group', { name: group, exact: true }).getByRole('radio', { name: choice }).check(),
    /** The accessibility violations that axe finds on the current page. */
    async examine(): Promise<string[]> {
      // Compiling axe takes half as long as running it, so a document gets it once.
      if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() =>
        (globalThis as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ['violations'] }),
      );
      return violations.map(toLine);
    },
    layoutShift: () => page.evaluate(() => globalThis.layoutShift),
    /** The layout shift since the last call. */
    takeLayoutShift: () =>
      page.evaluate(() => {
        const shift = globalThis.layoutShift;
        globalThis.layoutShift = 0;
        return shift;
      }),
    /** The pixels by which the page is wider than the window. */
    overflow: () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
    shoot: (name: string, shown = scheme) => page.screenshot({ path: `${screenshots}${name}-${width}-${shown}.png` }),
    async [Symbol.asyncDispose](): Promise<void> {
      const text = await page.evaluate(() => document.body.innerText).catch((error: unknown) => String(error));
      onLeave?.({ text, errors });
      await context.close();
    },
  };
};

export type Visitor = Awaited<ReturnType<typeof openVisitor>>;
