import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasChromium } from '../support/page/chromium.ts';
import { expiry, mainStories, outage } from './main-stories.ts';
import { useDesk } from './use-desk.ts';

const maxFirstLoadBytes = 130_000;

/** Reads the seconds of CPU that the process of a page has used. The clock on the wall counts other processes, too. */
const cpuSecondsOf = async (page: Page) => {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('Performance.enable');
  return async (): Promise<number> => {
    const { metrics } = await devTools.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'ProcessTime')?.value ?? 0;
  };
};

describe.skipIf(!hasChromium)('a user of the ticket desk', () => {
  const site = useDesk();
  mainStories({ site, dialect: 'guide' });

  it('gets the list with all names in one request for names, with at most 2 s of CPU and a page under 130 kB', async () => {
    await using visitor = await site.openVisitor();
    const { page, requests } = visitor;
    const sizes: Promise<number>[] = [];
    page.on('requestfinished', (request) => {
      if (/\/(trpc|dev|tickets)\//.test(request.url())) return;
      sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
    });
    await visitor.go();
    await visitor.signInAs('John Doe');
    expect(requests.filter((url) => ![site.desk().url, site.desk().ticketsUrl].includes(new URL(url).origin))).toEqual(
      [],
    );
    const firstLoad = await Promise.all(sizes);
    expect(firstLoad.length).toBeGreaterThanOrEqual(3);
    const firstLoadBytes = firstLoad.reduce((sum, size) => sum + size, 0);
    expect(firstLoadBytes).toBeGreaterThan(maxFirstLoadBytes / 2);
    expect(firstLoadBytes).toBeLessThan(maxFirstLoadBytes);

    const again = await visitor.context.newPage();
    await page.close();
    const cpuSeconds = await cpuSecondsOf(again);
    await again.goto('about:blank');
    requests.length = 0;
    const beforeSeconds = await cpuSeconds();
    await again.goto(site.desk().url);
    await again.locator('.ticket .person-name').first().waitFor();
    const afterSeconds = await cpuSeconds();
    // Chromium may have started a new process for the page, whose CPU time starts at 0.
    const usedSeconds = afterSeconds < beforeSeconds ? afterSeconds : afterSeconds - beforeSeconds;
    process.stdout.write(`The help desk with its names took ${usedSeconds.toFixed(2)} s of CPU.\n`);
    expect(usedSeconds).toBeGreaterThan(0);
    expect(usedSeconds).toBeLessThan(2);
    expect(await again.locator('.ticket').count()).toBe(20);
    const forNames = requests.filter((url) => /users\.byIds|employees\.byId/.test(url));
    expect(forNames).toHaveLength(1);
    expect(forNames[0]).toMatch(/users\.byIds,.*employees\.byId/);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('keeps the assignee of a new ticket if the ticket service is unreachable at first', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    visitor.expectErrors(/ERR_FAILED .*\/tickets\//);
    await visitor.go();
    await visitor.signInAs('John Doe');
    const next = await page.locator('.next-card strong').textContent();
    let attempts = 0;
    await page.route('**/tickets/', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      attempts += 1;
      return attempts === 1 ? route.abort() : route.continue();
    });
    await page.getByRole('button', { name: 'New ticket' }).click();
    await page.keyboard.type('Sent twice');
    await page.getByRole('button', { name: 'Open and assign' }).click();
    await page.getByText('Your ticket is saved and will be sent automatically').waitFor();
    await page.getByText(`is assigned to ${next}.`).waitFor();
    expect(attempts).toBe(2);
    await page.getByRole('button', { name: 'Done' }).click();
    expect(await page.locator('.ticket', { hasText: 'Sent twice' }).count()).toBe(1);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('stays signed in with ten refreshes for ten expiries, in two tabs with concurrent calls', async () => {
    await using visitor = await site.openVisitor();
    const { page, context } = visitor;
    visitor.expectErrors(...expiry);
    await visitor.go();
    await visitor.signInAs('Ethan Caldwell');
    const [other] = await Promise.all([
      context.waitForEvent('page'),
      page.getByRole('link', { name: 'Second tab' }).click(),
    ]);
    await other.locator('.ticket .person-name').first().waitFor();
    const { refreshes } = await site.desk().counts();
    for (let expiries = 1; expiries <= 10; expiries += 1) {
      await Promise.all([
        page.getByRole('button', { name: 'Expire the token, send 20 calls' }).click(),
        other.getByRole('button', { name: 'Send 20 calls', exact: true }).click(),
      ]);
      for (const tab of [page, other]) {
        await expect
          .poll(() => tab.locator('.lab-outcome').textContent())
          .toMatch(`Round ${expiries}: 20 of 20 answered`);
      }
      expect((await site.desk().counts()).refreshes).toBe(refreshes + expiries);
    }
    for (const tab of [page, other]) {
      await expect.poll(() => tab.getByTestId('refreshes').textContent()).toBe(String(refreshes + 10));
      expect(await tab.getByRole('button', { name: 'Sign out' }).isVisible()).toBe(true);
    }
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.each(['Slow', 'Errors'])('still sees the names during a fault of the Auth Service: %s', async (trouble) => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    visitor.expectErrors(outage);
    await visitor.go();
    await visitor.signInAs('Priya Raman');
    await visitor.choose('State of the Auth Service', trouble);
    await page.getByText(trouble === 'Slow' ? 'Each response takes 1.5 s' : 'Every request gets a 500').waitFor();
    const { bff } = await site.desk().counts();
    await expect.poll(async () => (await site.desk().counts()).bff, { timeout: 20_000 }).toBeGreaterThan(bff + 2);
    expect(await page.locator('.tickets .bone').count()).toBe(0);
    expect(await page.locator('.person-number').count()).toBe(0);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('can use the desk with the keyboard only', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    await visitor.go();
    await page.getByRole('button', { name: 'Priya Raman' }).waitFor();
    const focused = () =>
      page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.id);
    for (let presses = 0; (await focused()) !== 'email' && presses < 6; presses += 1) await page.keyboard.press('Tab');
    expect(await focused()).toBe('email');
    await page.keyboard.type('priya.raman@example.com');
    await page.keyboard.press('Tab');
    await page.keyboard.type('staff-pass-1');
    await page.keyboard.press('Enter');
    await page.locator('.ticket-link').first().waitFor();
    for (let presses = 0; (await focused()) !== 'New ticket' && presses < 10; presses += 1)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('ticket-title');
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('New ticket');
    // Priya sees one system, so there is no filter before the first ticket.
    await page.keyboard.press('Tab');
    expect(await focused()).toBe(await page.locator('.ticket-title').first().textContent());
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.each([360, 700, 1024, 1600])(
    'sees the whole page without horizontal scrolling in a window of %i px',
    async (width) => {
      await using visitor = await site.openVisitor({ width, scheme: 'light' });
      await visitor.go();
      await visitor.page.getByRole('button', { name: 'Ingrid Solberg' }).waitFor();
      expect(await visitor.overflow()).toBe(0);
      await visitor.signInAs('Ingrid Solberg');
      for (const part of ['Tickets', 'Turns', 'Lab'] as const) {
        await visitor.turnTo(part);
        expect(await visitor.overflow()).toBe(0);
        expect(await visitor.examine()).toEqual([]);
      }
      await visitor.turnTo('Tickets');
      await visitor.shoot('16-width');
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );
});
