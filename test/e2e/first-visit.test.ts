import type { Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { dialects } from './dialects.ts';
import { hasChromium } from '../support/page/chromium.ts';
import type { Look } from './open-visitor.ts';
import { focusedText, tabTo } from './keyboard.ts';
import { stopPolling } from './stop-polling.ts';
import { useDesk } from './use-desk.ts';

const narrow: Look = { width: 390, scheme: 'light' };

describe.skipIf(!hasChromium).each(dialects)('a first visit to the desk, %s dialect', (dialect) => {
  const site = useDesk({ dialect });
  /** What does not depend on the dialect is tested in one. */
  const isGuide = dialect === 'guide';

  it.runIf(isGuide)(
    'is led by a tour of five steps, which stays closed once it was closed, and can be taken again',
    async () => {
      await using visitor = await site.openVisitor(narrow);
      const { page } = visitor;
      await visitor.go();
      const tour = page.getByRole('complementary', { name: 'Two-minute tour' });
      await tour.getByText('Step 1 of 5').waitFor();
      expect(await visitor.examine()).toEqual([]);
      await visitor.signInAs('John Doe');
      const parts = ['Tickets', 'Tickets', 'Lab', 'Lab'];
      for (const [index, part] of parts.entries()) {
        await tour.getByText(`Step ${index + 2} of 5`).waitFor();
        await tour.getByRole('link', { name: 'Show me' }).click();
        const link = page.getByRole('link', { name: part, exact: true });
        await expect.poll(() => link.getAttribute('aria-current')).toBe('page');
        expect(await visitor.examine()).toEqual([]);
        await tour.getByRole('button', { name: index === 3 ? 'Finish' : 'Next step' }).click();
      }
      await tour.waitFor({ state: 'detached' });
      expect(await focusedText(page)).toBe('Ticket desk');
      await page.reload();
      await page.getByRole('button', { name: 'Take the tour' }).waitFor();
      expect(await tour.count()).toBe(0);
      await page.getByRole('button', { name: 'Take the tour' }).click();
      await tour.getByText('Step 2 of 5').waitFor();
      expect(await focusedText(page)).toBe('Two-minute tour');
      await tour.getByRole('button', { name: 'Close the tour' }).click();
      expect(await focusedText(page)).toBe('Ticket desk');
      expect(await visitor.overflow()).toBe(0);
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it('an employee is not sent to a part that they do not have', async () => {
    await using visitor = await site.openVisitor(narrow);
    const { page } = visitor;
    await visitor.go();
    await page.getByRole('button', { name: 'Alice Navarro' }).click();
    await page.getByText('Step 2 of 4').waitFor();
    expect(await page.getByRole('navigation').getByRole('link').allTextContents()).toEqual([
      'Tickets',
      'Lab',
      'Account',
    ]);
    await page.goto(`${site.desk().url}/#turns`);
    await page.getByRole('heading', { name: 'My tickets' }).waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)(
    'the pill names the Auth Service, and says that it is down as soon as the page has noticed',
    async () => {
      await using visitor = await site.openVisitor(narrow);
      const { page } = visitor;
      visitor.expectErrors(/50[03] .*\/trpc\//);
      // So that only the page's own calls can change the pill.
      await visitor.context.addInitScript(stopPolling);
      await visitor.go();
      const pill = page.locator('.pill');
      const choose = async (state: string, shown: RegExp) => {
        await visitor.choose('State of the Auth Service', state);
        await expect.poll(() => pill.textContent(), { timeout: 8_000 }).toMatch(shown);
      };
      await choose('Down', /^Auth Service (down|degraded)$/);
      await choose('Healthy', /^Auth Service up$/);
      await visitor.signInAs('John Doe');
      expect(await pill.isVisible()).toBe(true);
      await visitor.turnTo('Lab');
      await choose('Down', /^Auth Service (down|degraded)$/);
      await choose('Healthy', /^Auth Service up$/);
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it.runIf(isGuide)('the pill follows a call of the page that fails', async () => {
    await using visitor = await site.openVisitor(narrow);
    const { page } = visitor;
    visitor.expectErrors(/50[03] .*\/trpc\//);
    // Nothing else asks for the state.
    await visitor.context.addInitScript(stopPolling);
    await visitor.go();
    await visitor.signInAs('John Doe');
    const pill = page.locator('.pill');
    await expect.poll(() => pill.textContent()).toBe('Auth Service up');
    const reset = { headers: { 'x-csrf': '1' }, data: '{"kind":"reset"}' };
    await page.request.put(`${site.desk().url}/dev/fault`, reset);
    await visitor.turnTo('Turns');
    await page.getByLabel('ID of a staff member').fill('88');
    await page.getByRole('button', { name: 'Look up' }).click();
    await expect.poll(() => pill.textContent(), { timeout: 8_000 }).toMatch(/^Auth Service (down|degraded)$/);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)(
    'the focus goes to the heading after a sign-in, and the next person starts at the first part',
    async () => {
      await using visitor = await site.openVisitor(narrow);
      const { page } = visitor;
      await visitor.go();
      await visitor.signInAs('John Doe');
      expect(await focusedText(page)).toBe('Ticket desk');
      await visitor.turnTo('Lab');
      await visitor.signOut();
      await visitor.signInAs('Ethan Caldwell');
      expect(await focusedText(page)).toBe('Ticket desk');
      await page.getByRole('button', { name: 'New ticket' }).waitFor();
      expect(new URL(page.url()).hash).toBe('');
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it('the header shows the name of the person, and their systems', async () => {
    await using visitor = await site.openVisitor(narrow);
    const { page } = visitor;
    await visitor.go();
    for (const [person, role] of [
      ['John Doe', 'TTS · AMS'],
      ['Alice Navarro', 'Employee'],
    ] as const) {
      await visitor.signInAs(person);
      // The name of an employee comes from a call of its own.
      await expect.poll(() => page.locator('.who-name').textContent()).toBe(person);
      const systems = await page.locator('.who-role').textContent();
      expect(systems?.split(' · ').toSorted()).toEqual(role.split(' · ').toSorted());
      await visitor.signOut();
    }
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('turns are offered for the systems of the person only, and nothing says “Access denied”', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    await visitor.go();
    await visitor.signInAs('John Doe');
    const offered = page.getByRole('group', { name: 'Turns of', exact: true }).getByRole('radio');
    expect((await offered.all()).length).toBe(2);
    await visitor.signOut();
    await visitor.signInAs('Tomás Herrera');
    await page.getByRole('heading', { name: 'Turns of AMS' }).waitFor();
    await page.locator('.bar-count').first().waitFor();
    await visitor.signOut();
    await page.getByRole('button', { name: 'Alice Navarro' }).click();
    await page.getByRole('heading', { name: 'My tickets' }).waitFor();
    expect(await page.getByRole('heading', { name: /^Turns/ }).count()).toBe(0);
    expect(await page.getByRole('heading', { name: 'Find a colleague' }).count()).toBe(0);
    await page.locator('.lab-outcome').waitFor();
    expect(await page.getByText('Access denied').count()).toBe(0);
    // No request was refused either: the console is empty.
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)('the header and the side columns stay in view while the list is read', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    await visitor.go();
    await visitor.signInAs('Ingrid Solberg');
    await page.mouse.move(300, 500);
    await page.mouse.wheel(0, 700);
    await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(500);
    for (const place of ['.desk-header', '[data-column=turns]', '[data-column=lab]']) {
      const box = await page.locator(place).boundingBox();
      expect(box?.y).toBeGreaterThanOrEqual(0);
      expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(900);
    }
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)('the API reference is a link away', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    await visitor.go();
    await page.getByRole('link', { name: 'API reference' }).click();
    await page.getByText('/users/{id}').first().waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'OpenAPI document' }).click();
    expect(await page.textContent('body')).toContain('"openapi"');
  });

  it.runIf(isGuide)(
    'the keyboard alone takes the tour, a leave, a look-up, a fault, a change of the profile, and the end of all sessions',
    async () => {
      await using visitor = await site.openVisitor();
      const { page } = visitor;
      const { keyboard } = page;
      visitor.expectErrors(/50[03] .*\/trpc\//);
      const press = async (name: string | RegExp) => {
        await tabTo(page, name);
        await keyboard.press('Enter');
      };
      await visitor.go();
      await page.getByRole('button', { name: 'John Doe' }).waitFor();
      await press(/^John Doe/);
      await page.locator('.bar-count').first().waitFor();
      await press('Next step');
      await page.getByText('Step 3 of 5').waitFor();
      await tabTo(page, 'Back', 'Shift+Tab');
      await keyboard.press('Enter');
      await page.getByText('Step 2 of 5').waitFor();
      expect(await focusedText(page)).toBe('Back');
      await press('Close the tour');

      await press('I’m away until…');
      await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('SELECT');
      await tabTo(page, 'Note for the team');
      await keyboard.type('At lunch');
      await keyboard.press('Enter');
      await page.getByText(/· At lunch$/).waitFor();
      await expect.poll(() => focusedText(page)).toBe('I’m back');
      await keyboard.press('Enter');
      await page.getByText('You get turns.').waitFor();
      expect(await focusedText(page)).toBe('I’m away until…');
      await press('Last turns');
      await page.getByText('No turn has been given yet.').waitFor();
      await press('Create 6 sample tickets');
      await page.getByRole('list', { name: 'Last turns' }).getByRole('listitem').nth(5).waitFor();
      await tabTo(page, 'ID of a staff member');
      await keyboard.type('MA0001');
      await keyboard.press('Enter');
      await page.getByText('user@example.com').waitFor();
      await press('Send 20 calls');
      await page.getByText('20 of 20 answered').waitFor();
      await tabTo(page, 'Healthy');
      await keyboard.press('ArrowRight');
      await keyboard.press('ArrowRight');
      await page.getByText('Each response takes 1.5 s').waitFor();
      await keyboard.press('ArrowLeft');
      await keyboard.press('ArrowLeft');
      await page.getByText('It works normally.').waitFor();

      await press('My account');
      await page.getByRole('heading', { name: 'Profile' }).waitFor();
      await tabTo(page, 'Phone');
      await keyboard.press('Control+A');
      await keyboard.type('+639171234567');
      await keyboard.press('Enter');
      await page.getByText('Your profile is saved.').waitFor();
      await press('Sign out everywhere');
      await page.getByRole('heading', { name: 'People to try' }).waitFor();
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it.runIf(isGuide)('no space is reserved in the turns, in the look-up and in the dialog', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    await visitor.go();
    await visitor.signInAs('John Doe');
    await page.locator('.bar-count').first().waitFor();
    const bottomOf = async (place: Locator) => {
      const box = await place.boundingBox();
      return (box?.y ?? 0) + (box?.height ?? 0);
    };
    const spaceBelow = async (card: Locator, last: Locator) => (await bottomOf(card)) - (await bottomOf(last));
    const card = (name: string) => page.getByRole('region', { name, exact: true });
    const button = (name: string) => page.getByRole('button', { name });
    // The padding of a card, and its border.
    expect(await spaceBelow(card('Turns'), button('Create 6 sample tickets'))).toBeLessThan(20);
    expect(await spaceBelow(card('Find a colleague'), button('Look up'))).toBeLessThan(20);
    await button('New ticket').click();
    const preview = page.getByText(/^Next in turn: /);
    await preview.waitFor();
    expect(await spaceBelow(button('Cancel'), preview)).toBeLessThan(80);
    expect(await spaceBelow(page.getByRole('dialog'), button('Cancel'))).toBeLessThan(20);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)('the look-up says what to enter', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    visitor.expectErrors(/400 .*\/trpc\/users\.byCompanyId/);
    await visitor.go();
    await visitor.signInAs('John Doe');
    await page.getByRole('button', { name: 'Look up' }).click();
    const field = page.getByLabel('ID of a staff member');
    await page.getByText('Enter an ID such as 123 or MA0001.').waitFor();
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('look-up-id');
    expect(await visitor.examine()).toEqual([]);
    await page.keyboard.type('MA0001');
    await page.keyboard.press('Enter');
    await page.getByText('user@example.com').waitFor();
    expect(await field.getAttribute('aria-invalid')).toBe('false');
    expect(visitor.unexpectedErrors()).toEqual([]);
  });
});
