import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, launchChromium } from '../support/page/chromium.ts';
import { openVisitor, type Visitor } from './open-visitor.ts';
import { type RunningDesk, startDesk } from './start-desk.ts';
import { stopPolling } from './stop-polling.ts';

describe.skipIf(!hasChromium)('the desk in another browser', () => {
  let browser: Browser;
  let desk: RunningDesk;
  beforeAll(async () => {
    [browser, desk] = await Promise.all([launchChromium(), startDesk()]);
  });
  afterAll(async () => {
    await browser.close();
    await desk[Symbol.asyncDispose]();
  });

  const open = async (name: string, { polls = true } = {}): Promise<Visitor> => {
    const visitor = await openVisitor({ browser, desk });
    if (!polls) await visitor.context.addInitScript(stopPolling);
    await visitor.go();
    await visitor.signInAs(name);
    await visitor.page.locator('.live-hint[data-live=live]').waitFor();
    return visitor;
  };
  const turnsOf = async ({ page }: Visitor) => {
    const counts = await page.locator('.bar-count').allTextContents();
    return counts.reduce((sum, count) => sum + Number(count), 0);
  };

  it('moves the bars of turns when a ticket is opened here, without polling', async () => {
    await using watcher = await open('John Doe', { polls: false });
    await using other = await open('Ethan Caldwell');
    await watcher.page.locator('.bar-count').first().waitFor();
    const before = await turnsOf(watcher);
    await other.page.getByRole('button', { name: 'Create 6 sample tickets' }).click();
    await expect.poll(() => turnsOf(watcher)).toBe(before + 6);
    expect(watcher.unexpectedErrors()).toEqual([]);
    expect(other.unexpectedErrors()).toEqual([]);
  });

  it('shows a sign-out from everywhere at once, without polling and without a call', async () => {
    await using watcher = await open('John Doe', { polls: false });
    await using other = await open('John Doe');
    await other.page.goto(`${desk.url}/#account`);
    await other.page.getByRole('button', { name: /sign out everywhere/i }).click();
    await watcher.page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    expect(watcher.unexpectedErrors()).toEqual([]);
  });

  it('passes over a person who is away, until they are back', async () => {
    await using visitor = await open('John Doe');
    const { page } = visitor;
    await page.getByRole('button', { name: 'I’m away until…' }).click();
    await page.getByLabel('I am away').selectOption('for an hour');
    await page.getByLabel('Note for the team').fill('At the dentist');
    expect(await visitor.examine()).toEqual([]);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/^You are away until .* · At the dentist$/).waitFor();
    await page.locator('tr[data-away]', { hasText: 'John Doe' }).waitFor();
    expect(await visitor.examine()).toEqual([]);
    await page.getByRole('button', { name: 'I’m back' }).click();
    await page.getByText('You get turns.').waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('hands a ticket on to the next person, and shows it here, without polling', async () => {
    await using watcher = await open('Ethan Caldwell', { polls: false });
    await using visitor = await open('John Doe');
    const { page } = visitor;
    await page.getByRole('button', { name: 'New ticket' }).click();
    await page.keyboard.type('Wants another person');
    await page.getByRole('group', { name: 'System', exact: true }).getByRole('radio', { name: 'TTS' }).check();
    await page.getByRole('button', { name: 'Open and assign' }).click();
    const opened = await page.getByText(/is assigned to/).textContent();
    const first = /is assigned to (.*)\./.exec(opened ?? '')?.[1] ?? '';
    await page.getByRole('button', { name: 'Done' }).click();
    for (const { page: each } of [visitor, watcher]) await each.getByText('Last turns').click();
    const newest = (one: Visitor) => one.page.getByRole('list', { name: 'Last turns' }).getByRole('listitem').first();
    await expect.poll(() => newest(watcher).locator('strong').textContent()).toBe(first);
    await newest(visitor)
      .getByRole('button', { name: /^Hand on/ })
      .click();
    await expect.poll(() => newest(watcher).textContent()).toContain('by hand-on');
    const second = (await newest(watcher).locator('strong').textContent()) ?? '';
    expect(second).not.toBe(first);
    const ticket = page.locator('.ticket', { hasText: 'Wants another person' });
    await expect.poll(() => ticket.textContent()).toContain(`for${second}`);
    expect(await visitor.examine()).toEqual([]);
    for (const one of [visitor, watcher]) expect(one.unexpectedErrors()).toEqual([]);
  });

  it('says that it is not live while the stream is down', async () => {
    await using visitor = await openVisitor({ browser, desk });
    const { page } = visitor;
    visitor.expectErrors(/ERR_FAILED .*onTurn/);
    await page.route(/assignments\.onTurn/, (route) => route.abort());
    await visitor.go();
    await visitor.signInAs('John Doe');
    await page.locator('.live-hint[data-live=connecting]').waitFor();
    expect(await visitor.examine()).toEqual([]);
    await page.unroute(/assignments\.onTurn/);
    await page.locator('.live-hint[data-live=live]').waitFor();
  });
});
