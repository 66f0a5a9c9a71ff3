import { describe, expect, it } from 'vitest';
import { hasChromium } from '../support/page/chromium.ts';
import { expiry, mainStories } from './main-stories.ts';
import { useDesk } from './use-desk.ts';

describe.skipIf(!hasChromium)('a user of the ticket desk with the deployed dialect', () => {
  const site = useDesk({ dialect: 'deployed' });
  mainStories({ site, dialect: 'deployed' });

  it('stays signed in beyond the token lifetime of 300 s by a refresh before expiry', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    await page.clock.install();
    await visitor.go();
    await visitor.signInAs('Ethan Caldwell');
    const timer = page.getByRole('timer', { name: 'Time left' });
    await expect.poll(() => timer.textContent()).toMatch(/^(5:00|4:5\d)$/);
    const { refreshes } = await site.desk().counts();
    // Past the half of its life, which is when it is due, and before its end.
    await page.clock.fastForward(200_000);
    await expect.poll(async () => (await site.desk().counts()).refreshes).toBe(refreshes + 1);
    await expect.poll(() => timer.textContent()).toMatch(/^(5:00|4:\d\d)$/);
    await page.getByRole('button', { name: 'Send 20 calls', exact: true }).click();
    await expect.poll(() => page.locator('.lab-outcome').textContent()).toMatch('20 of 20 answered');
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('has to sign in again after the token has expired, because the Auth Service refuses a refresh', async () => {
    await using visitor = await site.openVisitor();
    const { page, context } = visitor;
    visitor.expectErrors(...expiry, /401 .*\/trpc\/session\.refresh/);
    await visitor.go();
    await visitor.signInAs('Ethan Caldwell');
    const { refreshes } = await site.desk().counts();
    await page.getByRole('button', { name: 'Expire the token, send 20 calls' }).click();
    await page.getByRole('heading', { name: 'People to try' }).waitFor();
    expect((await site.desk().counts()).refreshes).toBe(refreshes + 1);
    expect((await context.cookies()).filter(({ name }) => name.endsWith('_token'))).toEqual([]);
    await visitor.signInAs('Ethan Caldwell');
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('may enter a code twice, and then has to sign in again', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    visitor.expectErrors(/401 .*\/trpc\/session\.verifyOtp/);
    await visitor.go();
    await page.getByRole('button', { name: 'Rafael Domingo' }).click();
    for (const words of ['Wrong code', 'Go back and sign in again']) {
      await page.getByLabel('Code').fill('000000');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText(words).waitFor();
    }
    await page.getByRole('button', { name: 'Back' }).click();
    await page.getByRole('button', { name: 'Rafael Domingo' }).click();
    await page.getByRole('button', { name: 'Use it' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: 'Tickets' }).waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });
});
