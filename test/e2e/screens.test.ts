import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, launchChromium } from '../support/page/chromium.ts';
import { type Look, openVisitor } from './open-visitor.ts';
import { type RunningDesk, startDesk } from './start-desk.ts';
import { hold } from '../support/time/hold.ts';

/** `stranger`: a person who was not looked up before, so the BFF has no cached entry. */
const looks: Array<Look & { stranger: number; title: string }> = [
  { width: 390, scheme: 'light', stranger: 88, title: 'The coffee machine asks for a password' },
  { width: 390, scheme: 'dark', stranger: 101, title: 'The door reader beeps twice' },
  { width: 1440, scheme: 'light', stranger: 42, title: 'Desk lamp flickers since Monday' },
  { width: 1440, scheme: 'dark', stranger: 99, title: 'Headset crackles in every call' },
];

describe.skipIf(!hasChromium)('the ticket desk', () => {
  let browser: Browser;
  let desk: RunningDesk;
  beforeAll(async () => {
    [browser, desk] = await Promise.all([launchChromium(), startDesk()]);
  });
  afterAll(async () => {
    await browser.close();
    await desk[Symbol.asyncDispose]();
  });

  it.each(looks)('shows each of its screens at $width px, $scheme', async ({ stranger, title, ...look }) => {
    await desk.mend();
    await using visitor = await openVisitor({ browser, desk, look });
    const { page } = visitor;
    const shown = async (name: string) => {
      await visitor.shoot(name);
      const found = { screen: name, violations: await visitor.examine(), overflow: await visitor.overflow() };
      expect(found).toEqual({ screen: name, violations: [], overflow: 0 });
    };

    await visitor.go();
    await page.getByRole('button', { name: 'John Doe' }).waitFor();
    await shown('1-sign-in');
    expect(await visitor.layoutShift()).toBeLessThan(0.01);

    visitor.expectErrors(/401 .*\/trpc\/session\.login/);
    await page.getByLabel('E-mail').fill('rafael.domingo@example.com');
    await page.getByLabel('Password').fill('a guess');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('Wrong e-mail or password').waitFor();
    await shown('2-wrong-password');

    await page.getByRole('button', { name: 'Rafael Domingo' }).click();
    await page.getByRole('button', { name: 'Use it' }).click();
    await shown('3-second-factor');
    await page.getByRole('button', { name: 'Continue' }).click();

    const tickets = page.getByRole('list', { name: 'Tickets' }).getByRole('listitem');
    await tickets.first().waitFor();
    await page.locator('.tickets .bone').first().waitFor({ state: 'detached' });
    expect(await tickets.count()).toBe(20);
    await shown('4-tickets');
    expect(await visitor.layoutShift()).toBeLessThan(0.01);

    await visitor.choose('Show the tickets of', 'BMS');
    await expect.poll(() => page.locator('.tickets .badge').allTextContents()).toEqual(Array<string>(10).fill('BMS'));
    await visitor.choose('Show the tickets of', 'All');

    const { until: held, release } = hold();
    await page.route('**/tickets/', async (route) => {
      await held;
      await route.continue();
    });
    await page.reload();
    await page.locator('.tickets .bone').first().waitFor();
    await shown('5-loading');
    release();
    await tickets.first().waitFor();
    await page.locator('.tickets .bone').first().waitFor({ state: 'detached' });
    expect(await visitor.layoutShift()).toBeLessThan(0.01);

    await page.getByRole('button', { name: 'New ticket' }).click();
    await page.getByText('Next in turn:').waitFor();
    await page.getByRole('button', { name: 'Open and assign' }).click();
    await page.getByText('Enter a short description').waitFor();
    await shown('6-new-ticket');
    await page.keyboard.type(title);
    await page.getByRole('button', { name: 'Open and assign' }).click();
    await page.getByText('is assigned to').waitFor();
    await shown('7-assigned');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText(title).waitFor();

    await visitor.turnTo('Turns');
    await page.getByText('Next in turn', { exact: true }).waitFor();
    await page.getByText('level', { exact: true }).waitFor();
    await shown('8-turns');
    visitor.expectErrors(/403 .*\/trpc\/assignments\./);
    await visitor.choose('Turns of', 'HDTS');
    await page.getByText('Access denied', { exact: true }).waitFor();
    await shown('9-access-denied');
    await visitor.choose('Turns of', 'TTS');

    visitor.expectErrors(/404 .*\/trpc\/users\.byId/);
    await page.getByLabel('ID of a staff member').fill('999');
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByText('Not found', { exact: true }).waitFor();
    await shown('10-not-found');
    await page.getByLabel('ID of a staff member').fill('ma0001');
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByText('user@example.com').waitFor();

    await visitor.turnTo('Lab');
    visitor.expectErrors(/401 .*\/trpc\/(users|session|status|employees|assignments)\./, /401 .*\/tickets\//);
    const { refreshes } = await desk.counts();
    await page.getByRole('button', { name: 'Expire the token, send 20 calls' }).click();
    await page.getByText('20 of 20 answered').waitFor();
    expect((await desk.counts()).refreshes).toBe(refreshes + 1);
    await expect.poll(() => page.getByTestId('refreshes').textContent()).toBe(String(refreshes + 1));
    await shown('11-lab');

    visitor.expectErrors(/503 .*\/trpc\//);
    await visitor.choose('State of the Auth Service', 'Down');
    await visitor.turnTo('Turns');
    await page.getByLabel('ID of a staff member').fill(String(stranger));
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByText(/^Retrying in \d+ s$/).waitFor();
    await shown('12-maintenance');
    await visitor.turnTo('Tickets');
    await page.locator('.person-name[data-stale]').first().waitFor();
    await shown('13-last-known');
    await visitor.turnTo('Lab');
    await visitor.choose('State of the Auth Service', 'Healthy');
    await page.locator('.banner').waitFor({ state: 'detached' });
    await visitor.turnTo('Turns');
    await page.locator('.found').waitFor();
    await visitor.turnTo('Tickets');
    await page.locator('.person-name[data-stale]').first().waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'People to try' }).waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });
});
