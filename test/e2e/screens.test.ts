import { describe, expect, it } from 'vitest';
import { hasChromium } from '../support/page/chromium.ts';
import { hold } from '../support/time/hold.ts';
import { maxShift, openScreens } from './open-screens.ts';
import { useDesk } from './use-desk.ts';

/** `stranger`: a person who was not looked up before, so the BFF has no cached entry. */
const windows = [
  { width: 390, stranger: 88, title: 'The coffee machine asks for a password' },
  { width: 1440, stranger: 42, title: 'Desk lamp flickers since Monday' },
];

describe.skipIf(!hasChromium)('the ticket desk', () => {
  const site = useDesk();

  describe.each(windows)('shows its screens at $width px, light and dark', ({ stranger, title, width }) => {
    it('the sign-in', async () => {
      await using screens = await openScreens(site, width);
      const { page, shown, tickets, visitor } = screens;
      await visitor.go();
      await page.getByRole('button', { name: 'John Doe' }).waitFor();
      await shown('1-sign-in');

      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByText('Enter your password.').waitFor();
      await shown('2-missing-fields');
      visitor.expectErrors(/401 .*\/trpc\/session\.login/);
      await page.getByLabel('E-mail').fill('rafael.domingo@example.com');
      await page.getByLabel('Password').fill('a guess');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByText('Wrong e-mail or password').waitFor();
      await shown('3-wrong-password');
      await page.getByRole('button', { name: 'Forgot your password?' }).click();
      await page.getByRole('button', { name: 'Send the link' }).waitFor();
      await shown('4-forgot-password');
      await page.getByRole('button', { name: 'Rafael Domingo' }).click();
      await page.getByRole('button', { name: 'Use it' }).click();
      await shown('5-second-factor');
      await page.getByRole('button', { name: 'Continue' }).click();
      await tickets.first().waitFor();
      expect(visitor.unexpectedErrors()).toEqual([]);
    });

    it('tickets', async () => {
      await using screens = await openScreens(site, width);
      const { enter, namesAreShown, page, shown, tickets, visitor } = screens;
      await enter();
      expect(await tickets.count()).toBe(20);
      await shown('6-tickets');
      await page.getByRole('button', { name: 'Next', exact: true }).click();
      await namesAreShown();
      await shown('7-second-page');
      await visitor.choose('Show the tickets of', 'BMS');
      await expect.poll(() => page.locator('.tickets .badge').allTextContents()).toEqual(Array<string>(10).fill('BMS'));

      const { until: held, release } = hold();
      await page.route('**/tickets/', async (route) => {
        await held;
        await route.continue();
      });
      await page.reload();
      await page.locator('.tickets .bone').first().waitFor();
      await shown('8-loading');
      release();
      await tickets.first().waitFor();
      await namesAreShown();
      expect(await visitor.takeLayoutShift()).toBeLessThanOrEqual(maxShift);

      await page.getByRole('button', { name: 'New ticket' }).click();
      await page.getByText('Next in turn:').waitFor();
      await page.getByRole('button', { name: 'Open and assign' }).click();
      await page.getByText('Enter a short description').waitFor();
      await shown('9-new-ticket');
      await page.keyboard.type(title);
      await page.getByRole('button', { name: 'Open and assign' }).click();
      await page.getByText('is assigned to').waitFor();
      await shown('10-assigned');
      await page.getByRole('button', { name: 'Done' }).click();

      await page.getByRole('link', { name: title }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('list', { name: 'History' }).waitFor();
      await dialog.locator('.bone').first().waitFor({ state: 'detached' });
      await shown('11-ticket');
      await dialog.getByRole('button', { name: 'Hand on' }).click();
      await dialog.getByText('Handed on to').waitFor();
      await shown('12-handed-on');
      await page.keyboard.press('Escape');
      expect(visitor.unexpectedErrors()).toEqual([]);
    });

    it('turns, and an outage', async () => {
      await using screens = await openScreens(site, width);
      const { enter, page, shown, visitor } = screens;
      await enter();
      await visitor.turnTo('Turns');
      await page.getByText('Next in turn', { exact: true }).waitFor();
      await page.locator('.bar-count').first().waitFor();
      await page.getByText('Last turns').click();
      await page.getByRole('list', { name: 'Last turns' }).waitFor();
      await shown('13-turns');
      await page.getByRole('button', { name: 'Look up' }).click();
      await page.getByText('Enter an ID such as 123 or MA0001.').waitFor();
      visitor.expectErrors(/404 .*\/trpc\/users\.byId/);
      await page.getByLabel('ID of a staff member').fill('999');
      await page.getByRole('button', { name: 'Look up' }).click();
      await page.getByText('Not found', { exact: true }).waitFor();
      await shown('14-not-found');
      await page.getByLabel('ID of a staff member').fill('ma0001');
      await page.getByRole('button', { name: 'Look up' }).click();
      await page.getByText('user@example.com').waitFor();

      await visitor.turnTo('Lab');
      visitor.expectErrors(/401 .*\/trpc\/(users|session|status|employees|assignments)\./, /401 .*\/tickets\//);
      const { refreshes } = await site.desk().counts();
      await page.getByRole('button', { name: 'Expire the token, send 20 calls' }).click();
      await page.getByText('20 of 20 answered').waitFor();
      expect((await site.desk().counts()).refreshes).toBe(refreshes + 1);
      await expect.poll(() => page.getByTestId('refreshes').textContent()).toBe(String(refreshes + 1));
      await shown('15-lab');

      visitor.expectErrors(/503 .*\/trpc\//);
      await visitor.choose('State of the Auth Service', 'Down');
      await visitor.turnTo('Turns');
      await page.getByLabel('ID of a staff member').fill(String(stranger));
      await page.getByRole('button', { name: 'Look up' }).click();
      await page.getByText(/^Retrying in \d+ s$/).waitFor();
      await shown('16-maintenance');
      await visitor.turnTo('Tickets');
      await page.locator('.person-name[data-stale]').first().waitFor();
      await shown('17-last-known');
      await visitor.turnTo('Lab');
      await visitor.choose('State of the Auth Service', 'Healthy');
      await page.locator('.banner').waitFor({ state: 'detached' });
      await visitor.turnTo('Turns');
      await page.locator('.found').waitFor();
      await visitor.turnTo('Tickets');
      await page.locator('.person-name[data-stale]').first().waitFor({ state: 'detached' });
      expect(visitor.unexpectedErrors()).toEqual([]);
    });

    it('the account, and other people', async () => {
      await using screens = await openScreens(site, width);
      const { enter, namesAreShown, page, shown, visitor } = screens;
      await enter();
      await page.getByRole('button', { name: 'Close the tour' }).click();
      await page
        .getByRole('link', { name: /^(My account|Account)$/ })
        .filter({ visible: true })
        .click();
      await page.getByRole('heading', { name: 'Profile' }).waitFor();
      await shown('18-account');
      await visitor.signOut();
      await page.getByRole('heading', { name: 'People to try' }).waitFor();
      await shown('19-signed-out');

      await page.getByRole('button', { name: 'Alice Navarro' }).click();
      await page.getByRole('heading', { name: 'My tickets' }).waitFor();
      await namesAreShown();
      await shown('20-employee');
      await visitor.signOut();

      await visitor.signInAs('John Doe');
      await visitor.turnTo('Turns');
      await page.getByRole('button', { name: 'I’m away until…' }).click();
      await page.getByLabel('Note for the team').waitFor();
      await shown('21-leave');
      await page.goto(`${site.desk().url}/reset-password?token=abcdefgh12345678`);
      await page.getByRole('button', { name: 'Set the password' }).click();
      await expect.poll(() => page.locator('#reset-newPassword').getAttribute('aria-invalid')).toBe('true');
      await shown('22-reset-password');
      expect(visitor.unexpectedErrors()).toEqual([]);
    });
  });
});
