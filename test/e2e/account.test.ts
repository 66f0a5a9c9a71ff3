import { Buffer } from 'node:buffer';
import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { dialects } from './dialects.ts';
import { hasChromium } from '../support/page/chromium.ts';
import { outage } from './main-stories.ts';
import type { Visitor } from './open-visitor.ts';
import { useDesk } from './use-desk.ts';

type Person = { email: string; password: string; as?: 'Employee' };
const staff = (name: string): Person => ({ email: `${name}@example.com`, password: 'staff-pass-1' });
const alice: Person = { email: 'alice.navarro@partners.example.com', password: 'employee-pass-1', as: 'Employee' };

const chunk = (type: string, data: Buffer): Buffer => {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
};

/** A PNG of one colour, which browsers can show. */
const png = (side: number): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  // 8 bits, grey.
  header.writeUInt8(8, 8);
  const rows = deflateSync(Buffer.alloc((side + 1) * side));
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
};

const openSignIn = async ({ page, go }: Visitor, { email, password, as }: Person) => {
  await go();
  if (as !== undefined) await page.getByRole('radio', { name: as }).check();
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
};

const openAccount = async (visitor: Visitor, person: Person) => {
  await openSignIn(visitor, person);
  await visitor.page.getByRole('link', { name: 'My account' }).click();
  await visitor.page.getByRole('heading', { name: 'Profile' }).waitFor();
  const card = (name: string) => visitor.page.getByRole('region', { name, exact: true });
  return { page: visitor.page, card };
};

describe.skipIf(!hasChromium).each(dialects)('my account at the desk, %s dialect', (dialect) => {
  const site = useDesk({ dialect });
  /** What does not depend on the dialect is tested in one. */
  const isGuide = dialect === 'guide';
  const signedOut = /401 .*\/(trpc|tickets)\//;

  it('an employee changes their name, and sees why a phone number was refused', async () => {
    await using visitor = await site.openVisitor();
    visitor.expectErrors(/400 .*\/trpc\/account\.updateProfile/);
    const { page, card } = await openAccount(visitor, alice);
    const profile = card('Profile');
    await profile.getByLabel('First name').fill('Alicia');
    await profile.getByRole('button', { name: 'Save' }).click();
    await profile.getByText('Your profile is saved.').waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Save');
    await page.reload();
    await expect.poll(() => profile.getByLabel('First name').inputValue()).toBe('Alicia');

    await profile.getByLabel('Phone').fill('12');
    await profile.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => profile.getByLabel('Phone').getAttribute('aria-invalid')).toBe('true');
    expect(await profile.locator('#profile-phoneNumber-note').textContent()).not.toMatch(/^(Such as.*)?$/);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('profile-phoneNumber');
    expect(await visitor.examine()).toEqual([]);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(dialect === 'deployed')('a staff user sees which field they may not change', async () => {
    await using visitor = await site.openVisitor();
    visitor.expectErrors(/403 .*\/trpc\/account\.updateProfile/);
    const { card } = await openAccount(visitor, staff('grace.owusu'));
    const profile = card('Profile');
    await profile.getByLabel('First name').fill('Gracia');
    await profile.getByLabel('Phone').fill('+639171234567');
    await profile.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => profile.getByLabel('First name').getAttribute('aria-invalid')).toBe('true');
    expect(await profile.getByLabel('Phone').getAttribute('aria-invalid')).toBe('false');
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)(
    'a person chooses a picture, sees it, uploads and removes it, and learns why another is refused',
    async () => {
      await using visitor = await site.openVisitor({ width: 390, scheme: 'light' });
      visitor.expectErrors(/(400|413) .*\/bff\/account\/picture/);
      await openSignIn(visitor, staff('grace.owusu'));
      const { page } = visitor;
      await page.getByRole('link', { name: 'Account', exact: true }).click();
      const picture = page.getByRole('region', { name: 'Picture' });
      const choose = (name: string, mimeType: string, buffer: Buffer) =>
        picture.getByLabel('Choose a picture').setInputFiles({ name, mimeType, buffer });
      const isLoaded = (alt: string) =>
        expect
          .poll(() => picture.getByAltText(alt).evaluate((image) => (image as HTMLImageElement).naturalWidth))
          .toBe(64);
      await choose('me.png', 'image/png', png(64));
      await isLoaded('Preview');
      await picture.getByRole('button', { name: 'Upload' }).click();
      await picture.getByText('Your picture is saved.').waitFor();
      await isLoaded('Your picture');
      expect(await visitor.examine()).toEqual([]);
      expect(await visitor.overflow()).toBe(0);
      await visitor.shoot('17-account');

      await choose('big.png', 'image/png', Buffer.concat([png(64), Buffer.alloc(2 * 1024 * 1024)]));
      await picture.getByRole('button', { name: 'Upload' }).click();
      await picture.getByText(/2 MB\)/).waitFor();
      await choose('page.png', 'image/png', Buffer.from('<script>alert(1)</script>'));
      await picture.getByRole('button', { name: 'Upload' }).click();
      await picture.getByText('Expected a PNG, JPEG, GIF or WebP image').waitFor();

      await page.reload();
      await isLoaded('Your picture');
      await picture.getByRole('button', { name: 'Remove' }).click();
      await picture.getByText('Your picture is removed.').waitFor();
      expect(await picture.getByRole('img').count()).toBe(0);
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('picture-file');
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it('a change of password signs the other browser out at its next call, and this one stays', async () => {
    const carlos = staff('carlos.villanueva');
    await using other = await site.openVisitor();
    other.expectErrors(signedOut);
    await openSignIn(other, carlos);
    await other.page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();

    await using visitor = await site.openVisitor();
    visitor.expectErrors(/400 .*\/trpc\/account\.changePassword/);
    const { page, card } = await openAccount(visitor, carlos);
    const password = card('Password');
    const change = async (current: string, next: string, again = next) => {
      await password.getByLabel('Current password').fill(current);
      await password.getByLabel('New password', { exact: true }).fill(next);
      await password.getByLabel('New password again').fill(again);
      await password.getByRole('button', { name: 'Change password' }).click();
    };
    await change('staff-pass-1', 'a longer secret', 'another secret');
    await password.getByText('The two passwords differ.').waitFor();
    await change('not-my-password', 'a longer secret');
    await password.getByText('The current password is wrong.').waitFor();
    await change('staff-pass-1', 'a longer secret');
    await password.getByText('Your other sessions have ended.').waitFor();

    // Its heartbeat is the next call.
    await other.page.getByRole('heading', { name: 'People to try' }).waitFor();
    await page.reload();
    await card('Profile').waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
    expect(other.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)(
    'a person sees missing fields before anything is sent, and the seconds until the next try',
    async () => {
      await using visitor = await site.openVisitor();
      visitor.expectErrors(outage);
      const { page, requests } = visitor;
      await page.clock.install();
      const { card } = await openAccount(visitor, staff('noah.fitzgerald'));
      const password = card('Password');
      const change = password.getByRole('button', { name: 'Change password' });
      const current = password.getByLabel('Current password');
      await change.click();
      await password.getByText('Enter your current password.').waitFor();
      await password.getByText('Enter a new password.').waitFor();
      expect(await current.evaluate((field) => field === document.activeElement)).toBe(true);
      await page.keyboard.type('staff-pass-1');
      expect(await current.getAttribute('aria-invalid')).toBe('false');
      await card('Second factor').getByRole('button', { name: 'Turn on' }).click();
      await card('Second factor').getByText('Enter your password.').waitFor();
      expect(await visitor.examine()).toEqual([]);
      await visitor.shoot('18-account-errors');

      await password.getByLabel('New password', { exact: true }).fill('a longer secret');
      await password.getByLabel('New password again').fill('a longer secret');
      const fault = { headers: { 'x-csrf': '1' }, data: '{"kind":"reset"}' };
      await page.request.put(`${site.desk().url}/dev/fault`, fault);
      const sent = () => requests.filter((url) => url.includes('account.changePassword')).length;
      expect(sent()).toBe(0);
      await change.click();
      await password.getByText(/Try again in \d s/).waitFor();
      await change.click({ force: true });
      expect(sent()).toBe(1);
      await page.clock.runFor(5_000);
      await password.getByText('You can try again now.').waitFor();
      expect(await change.getAttribute('aria-disabled')).toBe('false');
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it('a person turns the second factor on, has a new code sent at the sign-in, and turns it off', async () => {
    const fatima = staff('fatima.zahra');
    await using visitor = await site.openVisitor();
    visitor.expectErrors(/(400|501) .*\/trpc\/(account\.secondFactor|session\.resendOtp)/);
    const { page, card } = await openAccount(visitor, fatima);
    const factor = card('Second factor');
    await factor.getByLabel('Password').fill('a guess');
    await factor.getByRole('button', { name: 'Turn on' }).click();
    await expect.poll(() => factor.getByLabel('Password').getAttribute('aria-invalid')).toBe('true');
    await factor.getByLabel('Password').fill(fatima.password);
    await factor.getByRole('button', { name: 'Turn on' }).click();
    await factor.getByText('Your second factor is on.').waitFor();
    await visitor.signOut();

    await openSignIn(visitor, fatima);
    const code = page.locator('.mail-code');
    const first = await code.textContent();
    await page.getByRole('button', { name: 'Send a new code' }).click();
    await page
      .getByText(dialect === 'guide' ? 'This Auth Service cannot send another code' : 'We sent a new code.')
      .waitFor();
    // A button that cannot work is not shown.
    expect(await page.getByRole('button', { name: 'Send a new code' }).count()).toBe(dialect === 'guide' ? 0 : 1);
    await expect.poll(async () => (await code.textContent()) !== first).toBe(dialect === 'deployed');
    expect(await visitor.examine()).toEqual([]);
    await page.getByRole('button', { name: 'Use it' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('link', { name: 'My account' }).click();
    await factor.getByRole('button', { name: 'Send me a code' }).click();
    await factor.getByRole('button', { name: 'Use it' }).click();
    await factor.getByLabel('Password').fill(fatima.password);
    await factor.getByRole('button', { name: 'Turn off' }).click();
    await factor.getByText('Your second factor is off.').waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('a person who forgot the password sets a new one by the link in the mail, which works once', async () => {
    const jonas = staff('jonas.weber');
    await using visitor = await site.openVisitor();
    visitor.expectErrors(/400 .*\/trpc\/account\.resetPassword/);
    const { page } = visitor;
    await visitor.go();
    const request = async (email: string) => {
      await page.getByLabel('E-mail').fill(email);
      await page.getByRole('button', { name: 'Send the link' }).click();
      await page.getByText('If an account has this address').waitFor();
    };
    await page.getByRole('button', { name: 'Forgot your password?' }).click();
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Reset your password');
    await request('nobody@example.com');
    expect(await visitor.examine()).toEqual([]);
    await request(jonas.email);
    const link = page.getByRole('link', { name: 'Open the link' });
    const href = await link.getAttribute('href');
    await link.click();
    await page.getByRole('heading', { name: 'Set a new password' }).waitFor();
    expect(new URL(page.url()).search).toBe('');
    expect(await visitor.examine()).toEqual([]);
    const setPassword = async (password: string) => {
      await page.locator('#reset-newPassword').fill(password);
      await page.getByLabel('New password again').fill(password);
      await page.getByRole('button', { name: 'Set the password' }).click();
    };
    await setPassword('password123');
    await expect.poll(() => page.locator('#reset-newPassword').getAttribute('aria-invalid')).toBe('true');
    await setPassword('a longer secret');
    await page.getByRole('heading', { name: 'Your password is changed' }).waitFor();
    await page.goto(href ?? '');
    await setPassword('a third secret');
    await page.getByText('already used').waitFor();
    await page.getByRole('link', { name: 'Request a new link' }).click();
    await page.getByRole('heading', { name: 'Reset your password' }).waitFor();
    await openSignIn(visitor, { ...jonas, password: 'a longer secret' });
    await page.getByRole('link', { name: 'My account' }).waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('a person signs out everywhere', async () => {
    const aisha = staff('aisha.rahman');
    await using other = await site.openVisitor();
    other.expectErrors(signedOut);
    await openSignIn(other, aisha);
    await other.page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
    await using visitor = await site.openVisitor();
    const { page, card } = await openAccount(visitor, aisha);
    await card('Sessions').getByRole('button', { name: 'Sign out everywhere' }).click();
    for (const tab of [page, other.page]) await tab.getByRole('heading', { name: 'People to try' }).waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
    expect(other.unexpectedErrors()).toEqual([]);
  });
});
