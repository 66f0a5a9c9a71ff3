import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { dialects } from './dialects.ts';
import { hasChromium } from '../support/page/chromium.ts';
import { expiry, outage } from './main-stories.ts';
import type { Visitor } from './open-visitor.ts';
import { focusedText, tabTo } from './keyboard.ts';
import { useDesk } from './use-desk.ts';

const refused = /401 .*\/trpc\/session\.(login|verifyOtp)/;
const tooMany = /429 .*\/trpc\//;
const password = 'staff-pass-1';

const focusedId = (page: Page) => page.evaluate(() => document.activeElement?.id);
const isBodyFocused = (page: Page) => page.evaluate(() => document.activeElement === document.body);
const selectedText = (page: Page) =>
  page.evaluate(() => {
    const field = document.activeElement;
    if (!(field instanceof HTMLInputElement)) return null;
    return field.value.slice(field.selectionStart ?? 0, field.selectionEnd ?? 0);
  });

/** The error of a field, as a screen reader finds it. Null: the field is not marked. */
const errorOf = async (field: Locator): Promise<string | null> => {
  if ((await field.getAttribute('aria-invalid')) !== 'true') return null;
  const ids = ((await field.getAttribute('aria-describedby')) ?? '').split(' ');
  return field.page().evaluate((all) => all.map((id) => document.getElementById(id)?.textContent).join(' '), ids);
};

const signIn = async ({ page }: Visitor, email: string, secret = password) => {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(secret);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
};

describe.skipIf(!hasChromium).each(dialects)('the sign-in of the desk, %s dialect', (dialect) => {
  const site = useDesk({ dialect });
  /** What does not depend on the dialect is tested in one. */
  const isGuide = dialect === 'guide';
  const breakAuthService = (page: Page) =>
    page.request.put(`${site.desk().url}/dev/fault`, { headers: { 'x-csrf': '1' }, data: '{"kind":"reset"}' });

  it.runIf(isGuide)(
    'names each missing field before anything is sent, and forgets an error once its field changes',
    async () => {
      await using visitor = await site.openVisitor();
      const { page, requests } = visitor;
      await visitor.go();
      const [email, secret] = [page.getByLabel('E-mail'), page.getByLabel('Password')];
      const submit = page.getByRole('button', { name: 'Sign in', exact: true });
      await submit.click();
      await expect.poll(() => errorOf(email)).toBe('Enter your e-mail address.');
      expect(await errorOf(secret)).toBe('Enter your password.');
      expect(await focusedId(page)).toBe('email');
      expect(await visitor.examine()).toEqual([]);
      await visitor.shoot('20-missing-fields');
      await page.keyboard.type('rafael');
      expect(await errorOf(email)).toBe(null);
      expect(await errorOf(secret)).toBe('Enter your password.');
      await secret.fill('a guess');
      await submit.click();
      await expect.poll(() => errorOf(email)).toBe('Enter an e-mail address like ana@example.com.');
      expect(await errorOf(secret)).toBe(null);
      expect(await focusedId(page)).toBe('email');
      expect(requests.filter((url) => url.includes('session.login'))).toEqual([]);
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it.runIf(isGuide)('marks both fields after a wrong password, and the next password replaces it', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    visitor.expectErrors(refused, /400 .*\/trpc\/session\.login/);
    await visitor.go();
    const [email, secret] = [page.getByLabel('E-mail'), page.getByLabel('Password')];
    await signIn(visitor, 'grace.owusu@example.com', 'a guess');
    await expect.poll(() => errorOf(secret)).toMatch(/^Wrong e-mail or password\. If you are an employee/);
    expect(await errorOf(email)).toMatch(/^Wrong e-mail or password/);
    expect(await focusedId(page)).toBe('password');
    expect(await selectedText(page)).toBe('a guess');
    expect(await visitor.examine()).toEqual([]);
    await page.getByRole('button', { name: 'Show password' }).click();
    expect(await secret.getAttribute('type')).toBe('text');
    expect(await page.getByRole('button', { name: 'Show password' }).getAttribute('aria-pressed')).toBe('true');
    await secret.fill('another guess');
    expect([await errorOf(email), await errorOf(secret)]).toEqual([null, null]);
    // The server finds what the page does not check.
    await signIn(visitor, `${'a'.repeat(260)}@example.com`);
    await expect.poll(() => errorOf(email)).toContain('at most 254 characters');
    expect(await errorOf(secret)).toBe(null);
    expect(await focusedId(page)).toBe('email');
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.each([
    ['Locked', 'this account is locked. Try again later, or ask an administrator'],
    ['Inactive', dialect === 'guide' ? 'This account is not active. Contact an administrator.' : 'Wrong e-mail'],
    ['Pending', 'This account is waiting for approval. Ask an administrator to approve it.'],
  ])('says why an account cannot sign in, and what to do: %s', async (label, words) => {
    await using visitor = await site.openVisitor({ width: 390, scheme: 'dark' });
    const { page } = visitor;
    visitor.expectErrors(refused);
    await visitor.go();
    await page.getByRole('list', { name: 'Cannot sign in' }).getByRole('button', { name: label }).click();
    const message = page.locator('#sign-in-error');
    await expect.poll(() => message.textContent()).toContain(words);
    // The list is below the form.
    expect(await page.locator('#sign-in-title').evaluate((node) => node.getBoundingClientRect().top)).toBeGreaterThan(
      0,
    );
    expect(await visitor.examine()).toEqual([]);
    await visitor.shoot(`21-${label.toLowerCase()}`);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)(
    'counts the seconds until the next try down in each form, and lets a person try again at 0',
    async () => {
      await using visitor = await site.openVisitor();
      const { page, requests } = visitor;
      visitor.expectErrors(outage, ...expiry);
      await page.clock.install();
      const calls = (path: string) => requests.filter((url) => url.includes(path)).length;
      const expectCountdown = async (procedure: string, button: Locator) => {
        await breakAuthService(page);
        await button.click();
        const message = page.getByText(/Try again in \d s\./);
        await message.waitFor();
        expect(await button.getAttribute('aria-disabled')).toBe('true');
        // Each second must not be read aloud.
        expect(await page.getByText(/^\d s$/).getAttribute('aria-live')).toBe('off');
        const sent = calls(procedure);
        await button.click({ force: true });
        // Fewer if the breaker of the BFF has opened.
        const seconds = Number(/in (\d) s/.exec((await message.textContent()) ?? '')?.[1]);
        if (seconds > 2) {
          await page.clock.runFor(1_000);
          await page.getByText(new RegExp(`Try again in [1-${seconds - 1}] s`)).waitFor();
        }
        expect(calls(procedure)).toBe(sent);
        await page.clock.runFor(seconds * 1_000);
        await page.getByText('You can try again now.').waitFor();
        expect(await button.getAttribute('aria-disabled')).toBe('false');
        await button.click();
        await expect.poll(() => calls(procedure)).toBe(sent + 1);
        await message.waitFor();
        await site.desk().mend();
      };
      const button = (name: string) => page.getByRole('button', { name, exact: true });

      await visitor.go();
      await page.getByLabel('E-mail').fill('noah.fitzgerald@example.com');
      await page.getByLabel('Password').fill(password);
      await expectCountdown('session.login', button('Sign in'));
      expect(await visitor.examine()).toEqual([]);
      await visitor.shoot('22-try-again');
      await page.goto(`${site.desk().url}/reset-password?token=abcdefgh12345678`);
      await page.locator('#reset-newPassword').fill('a longer secret');
      await page.locator('#reset-repeated').fill('a longer secret');
      await expectCountdown('account.resetPassword', button('Set the password'));

      // The breaker of the BFF may still be open.
      await page.clock.resume();
      await visitor.go();
      const code = page.getByLabel('Code', { exact: true });
      await expect
        .poll(
          async () => {
            await page.getByRole('button', { name: 'Rafael Domingo' }).click();
            // Each click sends a sign-in and removes the form of the last one: without the wait, the clicks use up the limit.
            await code
              .or(page.getByText(/Try again in/))
              .first()
              .waitFor();
            return code.isVisible();
          },
          { interval: 2_000, timeout: 40_000 },
        )
        .toBe(true);
      await code.fill('123456');
      await expectCountdown('session.verifyOtp', button('Continue'));
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it.runIf(isGuide)('tells after too many attempts in how many minutes the next one is possible', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    visitor.expectErrors(tooMany);
    await page.clock.install();
    await visitor.go();
    await page.getByRole('button', { name: 'Forgot your password?' }).click();
    await page.getByLabel('E-mail').fill('nobody.there@example.com');
    await page.getByRole('button', { name: 'Send the link' }).click();
    const another = page.getByRole('button', { name: 'Send another link' });
    for (let times = 0; times < 2; times += 1) {
      await another.click();
      await another.waitFor();
    }
    await another.click();
    await page.getByText(/^Too many attempts\. Try again in 10 min\.$/).waitFor();
    // Typing does not end the wait.
    await page.getByLabel('E-mail').fill('nobody.here@example.com');
    await page.clock.fastForward(8 * 60_000);
    await page.getByText(/Try again in 2 min\./).waitFor();
    await page.clock.fastForward(2 * 60_000);
    await page.getByText('Too many attempts. You can try again now.').waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)('keeps the focus in the page: after Back, and when the session has ended elsewhere', async () => {
    await using visitor = await site.openVisitor();
    const { page, context } = visitor;
    visitor.expectErrors(/401 .*\/(trpc|tickets)\//);
    await visitor.go();
    expect(await isBodyFocused(page)).toBe(true);
    await page.getByRole('button', { name: 'Forgot your password?' }).click();
    await expect.poll(() => focusedText(page)).toBe('Reset your password');
    await page.getByRole('button', { name: 'Back' }).click();
    await expect.poll(() => focusedId(page)).toBe('sign-in-title');
    await page.getByRole('button', { name: 'Rafael Domingo' }).click();
    await expect.poll(() => focusedId(page)).toBe('code');
    await page.getByRole('button', { name: 'Back' }).click();
    await expect.poll(() => focusedId(page)).toBe('sign-in-title');

    const other = await context.newPage();
    for (const hadFocus of [true, false]) {
      await visitor.go();
      await visitor.signInAs('Ethan Caldwell');
      await other.goto(site.desk().url);
      const newTicket = page.getByRole('button', { name: 'New ticket' });
      await newTicket.focus();
      if (!hadFocus) await newTicket.blur();
      await other.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'People to try' }).waitFor();
      // The body has no id.
      await expect.poll(() => focusedId(page)).toBe(hadFocus ? 'sign-in-title' : '');
    }
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('finds a short code before it is sent, marks a wrong one, and takes a code with a space', async () => {
    await using visitor = await site.openVisitor({ width: 390, scheme: 'light' });
    const { page, requests } = visitor;
    visitor.expectErrors(refused);
    await visitor.go();
    await page.getByRole('button', { name: 'Rafael Domingo' }).click();
    const code = page.getByLabel('Code', { exact: true });
    const submit = page.getByRole('button', { name: 'Continue' });
    await submit.click();
    await expect.poll(() => errorOf(code)).toBe('Enter the six digits of the code.');
    await code.fill('12345');
    expect(await errorOf(code)).toBe(null);
    await submit.click();
    await expect.poll(() => errorOf(code)).toBe('Enter the six digits of the code.');
    expect(requests.filter((url) => url.includes('verifyOtp'))).toEqual([]);
    await code.fill('000000');
    await submit.click();
    await expect.poll(() => errorOf(code)).toMatch(/^Wrong code\./);
    expect(await focusedId(page)).toBe('code');
    expect(await selectedText(page)).toBe('000000');
    expect(await visitor.examine()).toEqual([]);
    await visitor.shoot('23-wrong-code');

    const digits = await page.locator('.mail-code').textContent();
    await code.fill('');
    // As a paste does.
    await page.keyboard.insertText(` ${digits?.slice(0, 3)} ${digits?.slice(3)} `);
    expect(await code.inputValue()).toBe(digits);
    await submit.click();
    await page.locator('.ticket-link').first().waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(dialect === 'deployed')('sends a new code, and tells when it sends no more of them', async () => {
    await using visitor = await site.openVisitor({ width: 390, scheme: 'light' });
    const { page } = visitor;
    visitor.expectErrors(tooMany);
    await visitor.go();
    await page.getByRole('button', { name: 'Rafael Domingo' }).click();
    const resend = page.getByRole('button', { name: 'Send a new code' });
    const mailed = page.locator('.mail-code');
    for (let times = 0; times < 5; times += 1) {
      const before = await mailed.textContent();
      await resend.click();
      await expect.poll(() => mailed.textContent()).not.toBe(before);
      await page.getByText('We sent a new code. The old one no longer works.').waitFor();
      expect(await focusedId(page)).toBe('code');
    }
    await resend.click();
    await page.getByText(/^Too many attempts\. Try again in \d+ min\.$/).waitFor();
    expect(await resend.getAttribute('aria-disabled')).toBe('true');
    expect(await visitor.examine()).toEqual([]);
    await visitor.shoot('24-no-more-codes');
    await page.getByRole('button', { name: 'Use it' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.locator('.ticket-link').first().waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(dialect === 'guide')('says why no new code can be sent, and keeps the focus at the code', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    visitor.expectErrors(/501 .*\/trpc\/session\.resendOtp/);
    await visitor.go();
    await page.getByRole('button', { name: 'Rafael Domingo' }).click();
    await page.getByRole('button', { name: 'Send a new code' }).click();
    await page.getByText('This Auth Service cannot send another code. Go back and sign in again').waitFor();
    expect(await focusedId(page)).toBe('code');
    expect(await visitor.examine()).toEqual([]);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)('marks a captcha that is not checked, and asks only the account that needs it', async () => {
    await using visitor = await site.openVisitor();
    const { page, requests } = visitor;
    visitor.expectErrors(refused);
    await visitor.go();
    await page.getByRole('button', { name: 'Hana Kobayashi' }).click();
    const box = page.getByLabel("I'm not a robot");
    await expect.poll(() => errorOf(box)).toBe("Confirm that you're not a robot, then sign in.");
    const isFocused = () => box.evaluate((node) => node === document.activeElement);
    expect(await isFocused()).toBe(true);
    expect(await visitor.examine()).toEqual([]);
    const sent = requests.length;
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect.poll(() => errorOf(box)).toBe("Confirm that you're not a robot.");
    expect(await isFocused()).toBe(true);
    expect(requests.slice(sent).filter((url) => url.includes('session.login'))).toEqual([]);
    await page.getByRole('button', { name: 'Oluwaseun Adeyemi' }).click();
    await page.getByText('this account is locked').waitFor();
    expect(await box.count()).toBe(0);
    await page.getByRole('button', { name: 'Hana Kobayashi' }).click();
    await box.check();
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.locator('.ticket-link').first().waitFor();
    expect(await page.getByText('captcha-ok').count()).toBe(0);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide).each([1440, 390])(
    'reserves no empty space for messages at %i px, and the page does not jump',
    async (width) => {
      await using visitor = await site.openVisitor({ width, scheme: 'light' });
      const { page } = visitor;
      visitor.expectErrors(refused);
      await visitor.go();
      await page.getByRole('button', { name: 'John Doe' }).waitFor();
      /** Pixels between a field and the button below it. */
      const spaceBelow = async (field: string, name: string) => {
        const above = await page.locator(field).boundingBox();
        const below = await page.getByRole('button', { name, exact: true }).boundingBox();
        return (below?.y ?? 0) - (above?.y ?? 0) - (above?.height ?? 0);
      };
      expect(await spaceBelow('#password', 'Sign in')).toBeLessThanOrEqual(16);
      // One click signs in: a narrow page shows this at once, too.
      const first = await page.getByRole('button', { name: 'John Doe' }).boundingBox();
      expect((first?.y ?? 0) + (first?.height ?? 0)).toBeLessThan(844);
      expect(await visitor.overflow()).toBe(0);
      await signIn(visitor, 'grace.owusu@example.com', 'a guess');
      await page.getByText('Wrong e-mail or password').waitFor();
      expect(await visitor.takeLayoutShift()).toBeLessThan(0.02);
      await page.getByRole('button', { name: 'Forgot your password?' }).click();
      await page.getByRole('heading', { name: 'Reset your password' }).waitFor();
      expect(await visitor.takeLayoutShift()).toBeLessThan(0.02);
      expect(await spaceBelow('#forgot-email', 'Send the link')).toBeLessThanOrEqual(16);
      await page.getByRole('button', { name: 'Back' }).click();
      await page.getByRole('button', { name: 'Rafael Domingo' }).click();
      await page.locator('.mail-code').waitFor();
      expect(await spaceBelow('#code', 'Continue')).toBeLessThanOrEqual(16);
      expect(await visitor.takeLayoutShift()).toBeLessThan(0.02);
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it.runIf(isGuide)(
    'works with the keyboard alone, from the first error to a sign-in with a new password',
    async () => {
      await using visitor = await site.openVisitor();
      const { page } = visitor;
      visitor.expectErrors(refused);
      await visitor.go();
      await page.getByRole('button', { name: 'John Doe' }).waitFor();
      await tabTo(page, 'Sign in');
      await page.keyboard.press('Enter');
      await expect.poll(() => focusedId(page)).toBe('email');
      await page.keyboard.type('camille.laurent@example.com');
      await tabTo(page, 'password');
      await page.keyboard.type('a guess');
      await page.keyboard.press('Enter');
      await page.getByText('Wrong e-mail or password').waitFor();
      expect(await focusedId(page)).toBe('password');
      await page.keyboard.type(password);
      await page.keyboard.press('Enter');
      await expect.poll(() => focusedId(page)).toBe('code');
      await page.keyboard.type('000000');
      await page.keyboard.press('Enter');
      await page.getByText('Wrong code.').waitFor();
      expect(await focusedId(page)).toBe('code');
      await tabTo(page, 'Back');
      await page.keyboard.press('Enter');
      await expect.poll(() => focusedId(page)).toBe('sign-in-title');

      await tabTo(page, 'Forgot your password?');
      await page.keyboard.press('Enter');
      await expect.poll(() => focusedText(page)).toBe('Reset your password');
      await tabTo(page, 'Send the link');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'Open the link' }).waitFor();
      expect(await focusedText(page)).toBe('Send another link');
      await page.keyboard.press('Shift+Tab');
      expect(await focusedText(page)).toBe('Open the link');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Set a new password' }).waitFor();
      await tabTo(page, 'reset-newPassword');
      await page.keyboard.type('short');
      await page.keyboard.press('Enter');
      await page.getByText('Use at least 8 characters.').waitFor();
      expect(await focusedId(page)).toBe('reset-newPassword');
      await page.keyboard.press('Control+A');
      await page.keyboard.type('a longer secret');
      await tabTo(page, 'reset-repeated');
      await page.keyboard.type('a longer secret');
      await page.keyboard.press('Enter');
      await expect.poll(() => focusedText(page)).toBe('Your password is changed');
      await tabTo(page, 'Sign in');
      await page.keyboard.press('Enter');

      await page.getByRole('heading', { name: 'People to try' }).waitFor();
      await tabTo(page, 'email');
      await page.keyboard.type('camille.laurent@example.com');
      await tabTo(page, 'password');
      await page.keyboard.type('a longer secret');
      await page.keyboard.press('Enter');
      await page.locator('.mail-code').waitFor();
      await page.keyboard.press('Shift+Tab');
      expect(await focusedText(page)).toBe('Use it');
      await page.keyboard.press('Enter');
      await expect.poll(() => focusedId(page)).toBe('code');
      await page.keyboard.press('Enter');
      await page.locator('.ticket-link').first().waitFor();
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );
});
