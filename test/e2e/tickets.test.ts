import type { Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { dialects } from './dialects.ts';
import { hasChromium } from '../support/page/chromium.ts';
import { outage } from './main-stories.ts';
import type { Look, Visitor } from './open-visitor.ts';
import { focusedText, tabTo } from './keyboard.ts';
import { stopPolling } from './stop-polling.ts';
import { useDesk } from './use-desk.ts';

const noTicket = /404 .*\/tickets\/T-/;

const count = ({ page }: Visitor) => page.locator('.tickets-head .sub').textContent();
const dialogOf = ({ page }: Visitor) => page.locator('.ticket-dialog');
const historyOf = (visitor: Visitor) => dialogOf(visitor).getByRole('list', { name: 'History' }).getByRole('listitem');
const rowOf = ({ page }: Visitor, text: string | RegExp) => page.locator('.ticket', { hasText: text });
const badges = async ({ page }: Visitor) => [...new Set(await page.locator('.tickets .badge').allTextContents())];

const clickLink = (row: Locator) => row.getByRole('link').click();

/** Opens a ticket, and resolves once its names are there. */
const openTicket = async (visitor: Visitor, row: Locator) => {
  await clickLink(row);
  await historyOf(visitor).first().waitFor();
  await dialogOf(visitor).locator('.bone').first().waitFor({ state: 'detached' });
};

const fillNewTicket = async ({ page, choose }: Visitor, title: string, system: string) => {
  await page.getByRole('button', { name: 'New ticket' }).click();
  await page.keyboard.type(title);
  await choose('System', system);
};

describe.skipIf(!hasChromium).each(dialects)('the tickets of the desk, %s dialect', (dialect) => {
  const site = useDesk({ dialect });
  /** What does not depend on the dialect is tested in one. */
  const isGuide = dialect === 'guide';
  const narrowLight: Look = { width: 390, scheme: 'light' };
  const narrowDark: Look = { width: 390, scheme: 'dark' };

  const signIn = async (name: string, look?: Look): Promise<Visitor> => {
    const visitor = await site.openVisitor(look);
    await visitor.go();
    await visitor.signInAs(name);
    return visitor;
  };
  /** For people who are not among those to try. */
  const signInByForm = async (email: string, password = 'staff-pass-1'): Promise<Visitor> => {
    const visitor = await site.openVisitor();
    await visitor.go();
    await visitor.page.getByLabel('E-mail').fill(email);
    await visitor.page.getByLabel('Password').fill(password);
    await visitor.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await visitor.page.getByRole('heading', { name: 'My tickets' }).waitFor();
    return visitor;
  };

  it('a person sees the tickets of their systems, and no filter if there is only one', async () => {
    await using tomas = await signIn('Tomás Herrera');
    tomas.expectErrors(noTicket);
    expect(await count(tomas)).toBe('12 tickets');
    expect(await badges(tomas)).toEqual(['AMS']);
    expect(await tomas.page.getByRole('group', { name: 'Show the tickets of' }).count()).toBe(0);
    // Only HDTS and TTS look up employees.
    await rowOf(tomas, 'Toolbox has no owner').getByText('an employee').waitFor();
    expect(await tomas.page.locator('.person-number').count()).toBe(0);
    expect(tomas.requests.join(' ')).not.toContain('employees.byId');
    expect(await tomas.examine()).toEqual([]);
    await tomas.shoot('t1-one-system');

    await using ingrid = await signIn('Ingrid Solberg');
    expect(await count(ingrid)).toBe('60 tickets');
    const hrefs = await rowOf(ingrid, 'TTS').getByRole('link').first().getAttribute('href');
    await tomas.page.goto(`${site.desk().url}/${hrefs}`);
    await dialogOf(tomas).getByText('This ticket does not exist, or you may not see it.').waitFor();
    expect(await tomas.examine()).toEqual([]);
    await tomas.page.keyboard.press('Escape');
    await dialogOf(tomas).waitFor({ state: 'detached' });
    expect(await focusedText(tomas.page)).toBe('Tickets');
    expect(tomas.unexpectedErrors()).toEqual([]);
    expect(ingrid.unexpectedErrors()).toEqual([]);
  });

  it('an employee sees their own tickets with their own name, and nobody is looked up', async () => {
    await using alice = await site.openVisitor(narrowDark);
    await alice.go();
    await alice.signInAs('Alice Navarro');
    expect(await count(alice)).toBe('3 tickets');
    const own = dialect === 'guide' ? 'you' : 'Alice Navarro';
    expect(await alice.page.locator('.ticket .person-name').allTextContents()).toEqual([own, own, own]);
    const assigned = rowOf(alice, 'assigned to').first();
    const system = await assigned.locator('.badge').textContent();
    expect(await assigned.locator('.ticket-people').textContent()).toContain(`assigned to${system}`);
    await openTicket(alice, assigned);
    expect(await historyOf(alice).allTextContents()).toEqual([
      expect.stringContaining(`Opened by ${own}`),
      expect.stringContaining(`Assigned to a member of ${system}`),
    ]);
    expect(await dialogOf(alice).getByRole('button').count()).toBe(1);
    expect(await alice.examine()).toEqual([]);
    await alice.shoot('t2-employee');
    await alice.page.keyboard.press('Escape');
    // The filter has the systems of the own tickets only, and is there if these are several.
    const filter = alice.page.getByRole('group', { name: 'Show the tickets of' });
    expect([await badges(alice), await filter.count()]).toEqual([['TTS'], 0]);
    await fillNewTicket(alice, 'Where is my parcel?', 'HDTS');
    await alice.page.getByRole('button', { name: 'Open ticket' }).click();
    await alice.page.getByRole('button', { name: 'Done' }).click();
    expect(await filter.locator('label').allTextContents()).toEqual(['All', 'TTS', 'HDTS']);
    await alice.choose('Show the tickets of', 'HDTS');
    expect(await alice.page.locator('.ticket-title').allTextContents()).toEqual(['Where is my parcel?']);
    expect(alice.requests.join(' ')).not.toMatch(/users\.byIds|employees\.byId/);
    expect(alice.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)(
    'a person without tickets is told what to do, and keeps the focus after the first one',
    async () => {
      await using victor = await signInByForm('victor.almeida@example.com');
      const { page } = victor;
      await page.getByText('You have no tickets yet').waitFor();
      expect(await victor.examine()).toEqual([]);
      await victor.shoot('t3-empty');
      await page.getByRole('button', { name: 'Open your first ticket' }).click();
      await page.keyboard.type('My badge opens no door');
      await page.getByRole('button', { name: 'Open ticket' }).click();
      await page.getByRole('button', { name: 'Done' }).click();
      await rowOf(victor, 'My badge opens no door').waitFor();
      expect(await focusedText(victor.page)).toBe('New ticket');
      expect(victor.unexpectedErrors()).toEqual([]);
    },
  );

  it('a ticket for another system waits, without a request that can only be refused, until a member assigns it', async () => {
    await using tomas = await signIn('Tomás Herrera', narrowLight);
    await fillNewTicket(tomas, 'Scanner beeps at night', 'AMS');
    await tomas.page.getByText('Next in turn:').waitFor();
    await tomas.page.getByRole('button', { name: 'Open and assign' }).waitFor();
    tomas.requests.length = 0;
    await tomas.choose('System', 'TTS');
    const form = tomas.page.getByRole('dialog', { name: 'New ticket' });
    await form.getByText('A member of TTS will take it.').waitFor();
    expect(await form.getByText('Access denied').count()).toBe(0);
    // No space is kept for a message that is not there.
    expect(await form.locator('.form-message').isVisible()).toBe(false);
    expect(await form.locator('.field-error').count()).toBe(0);
    expect(await tomas.examine()).toEqual([]);
    await tomas.shoot('t4-other-system');
    await form.getByRole('button', { name: 'Open ticket' }).click();
    await tomas.page.getByText('is open. A member of TTS will take it.').waitFor();
    expect(tomas.requests.join(' ')).not.toContain('assignments.next');
    await tomas.page.getByRole('button', { name: 'Done' }).click();
    await openTicket(tomas, rowOf(tomas, 'Scanner beeps at night'));
    await dialogOf(tomas).getByText('A member of TTS will take it.').waitFor();
    expect(await dialogOf(tomas).getByRole('button').count()).toBe(1);

    await using john = await signIn('John Doe');
    await openTicket(john, rowOf(john, 'Scanner beeps at night'));
    expect(await historyOf(john).allTextContents()).toEqual([expect.stringContaining('Opened by Tomás Herrera')]);
    await dialogOf(john).getByRole('button', { name: 'Assign' }).dblclick();
    const outcome = dialogOf(john).getByText(/^Assigned to .*\.$/);
    const [, name = ''] = /^Assigned to (.*)\.$/.exec((await outcome.textContent()) ?? '') ?? [];
    expect(await focusedText(john.page)).toBe('Hand on');
    await expect.poll(() => historyOf(john).count()).toBe(2);
    expect(await historyOf(john).last().textContent()).toContain(`Assigned to ${name} by John Doe`);
    // The person who opened it sees it at the next heartbeat.
    await expect.poll(() => dialogOf(tomas).locator('dl').textContent()).toContain(`Assigned to${name}`);
    expect(tomas.unexpectedErrors()).toEqual([]);
    expect(john.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)(
    'a ticket opens by a click anywhere in its row; Back, Escape and Close close it, and a link or reload open it',
    async () => {
      await using visitor = await signIn('John Doe');
      const { page } = visitor;
      visitor.expectErrors(noTicket);
      const row = page.locator('.ticket').nth(2);
      const title = (await row.locator('.ticket-title').textContent()) ?? '';
      const id = (await row.locator('.ticket-id').textContent()) ?? '';
      const box = await row.boundingBox();
      await row.click({ position: { x: (box?.width ?? 0) - 5, y: (box?.height ?? 0) - 5 } });
      const dialog = page.getByRole('dialog', { name: title });
      await dialog.getByText(id).waitFor();
      expect(new URL(page.url()).hash).toBe(`#ticket/${id}`);
      expect(await focusedText(page)).toBe(title);

      const closed = () => dialog.waitFor({ state: 'detached' });
      await page.goBack();
      await closed();
      await expect.poll(() => focusedText(page)).toBe(title);
      await page.goForward();
      await dialog.waitFor();
      await page.reload();
      await dialog.getByRole('list', { name: 'History' }).waitFor();
      const entries = () => page.evaluate(() => history.length);
      const before = await entries();
      await page.keyboard.press('Escape');
      await closed();
      await expect.poll(() => focusedText(page)).toBe(title);
      await row.getByRole('link').click();
      await dialog.getByRole('button', { name: 'Close' }).click();
      await closed();
      await expect.poll(() => focusedText(page)).toBe(title);
      // Closing went back, so that Back needs no further presses.
      expect(await entries()).toBe(before);

      // A link from elsewhere: closing shows the list, and does not leave the desk.
      const other = await visitor.context.newPage();
      await other.goto(`${site.desk().url}/#ticket/${id}`);
      await other.getByRole('dialog', { name: title }).getByRole('button', { name: 'Close' }).click();
      await other.locator('.ticket-dialog').waitFor({ state: 'detached' });
      expect(new URL(other.url()).hash).toBe('#tickets');
      await other.goto(`${site.desk().url}/#ticket/T-99999`);
      await other.getByRole('dialog', { name: 'No such ticket' }).waitFor();
      await other.goto(`${site.desk().url}/#ticket/<b>%00`);
      await other.getByText('This ticket does not exist, or you may not see it.').waitFor();
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it.runIf(isGuide).each([
    { width: 1440, scheme: 'light' as const, title: 'Budget line for licences is exhausted' },
    { width: 1440, scheme: 'dark' as const, title: 'Invoice was booked to the wrong cost centre' },
    { width: 390, scheme: 'light' as const, title: 'Forecast for the fourth quarter is missing' },
    { width: 390, scheme: 'dark' as const, title: 'Report shows last year’s figures' },
  ])(
    'a double click hands a ticket on once, the desk shows it, and the last person is the last: $width px, $scheme',
    async ({ title, ...look }) => {
      await using visitor = await signIn('Ingrid Solberg', look);
      const { page } = visitor;
      await visitor.choose('Show the tickets of', 'BMS');
      const row = rowOf(visitor, title);
      const assignee = async () => (await row.locator('.person-name').last().textContent()) ?? '';
      await openTicket(visitor, row);
      const first = await assignee();
      const events = await historyOf(visitor).count();
      const names = [first];
      const handOn = dialogOf(visitor).getByRole('button', { name: 'Hand on' });
      // Three managers of BMS get tickets. A seeded ticket may have been handed on already.
      const hadBefore = events === 3 ? 2 : 1;
      for (let had = hadBefore; had < 3; had += 1) {
        await handOn.dblclick();
        await expect.poll(() => historyOf(visitor).count()).toBe(events + names.length);
        const text = (await historyOf(visitor).last().textContent()) ?? '';
        const [, from, to = ''] = /Handed on from (.*) to (.*) by Ingrid Solberg/.exec(text) ?? [];
        expect(from).toBe(names.at(-1));
        expect(names).not.toContain(to);
        names.push(to);
        await dialogOf(visitor).getByText(`Handed on to ${to}.`).waitFor();
        await expect.poll(assignee).toBe(to);
        expect(await focusedText(page)).toBe('Hand on');
      }
      await visitor.shoot('t5-handed-on');
      await handOn.click();
      await dialogOf(visitor).getByText('Nobody else is left: everybody of BMS has had this ticket.').waitFor();
      expect(await historyOf(visitor).count()).toBe(events + names.length - 1);
      expect(await visitor.examine()).toEqual([]);
      expect(await visitor.overflow()).toBe(0);
      await visitor.shoot('t6-nobody-left');
      await page.keyboard.press('Escape');
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it('the bars count a ticket that is handed on, and a double click passes over nobody', async () => {
    await using visitor = await signIn('John Doe');
    const { page } = visitor;
    await visitor.choose('Turns of', 'TTS');
    await page.locator('.bar-count').first().waitFor();
    const turns = async () =>
      (await page.locator('.bar-count').allTextContents()).reduce((sum, n) => sum + Number(n), 0);
    const before = await turns();
    await openTicket(visitor, rowOf(visitor, 'Mouse pointer jumps on the large screen'));
    await dialogOf(visitor).getByRole('button', { name: 'Hand on' }).click();
    await dialogOf(visitor)
      .getByText(/^Handed on to .*\.$/)
      .waitFor();
    await expect.poll(turns).toBe(before + 1);
    const events = await historyOf(visitor).count();
    await dialogOf(visitor).getByRole('button', { name: 'Hand on' }).dblclick();
    await expect.poll(() => historyOf(visitor).count()).toBe(events + 1);
    // The person before gets their turn back.
    await expect.poll(turns).toBe(before + 1);
    expect(visitor.requests.join(' ').match(/assignments\.reassign/g)).toHaveLength(1);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)(
    'an assignment is retried after an outage with the same person, and a refusal is told in words',
    async () => {
      await using visitor = await signIn('John Doe');
      const { page } = visitor;
      visitor.expectErrors(/(ERR_FAILED|50\d) .*\/tickets\/T-/, /403 .*assignments\.next/, outage);
      let attempts = 0;
      await page.route('**/tickets/T-*', async (route) => {
        if (route.request().method() !== 'PATCH') return route.continue();
        attempts += 1;
        return attempts === 1 ? route.abort() : route.continue();
      });
      const waiting = page.locator('.ticket', { hasText: 'unassigned' });
      await openTicket(visitor, waiting.first());
      const next = await page.locator('.next-card strong').textContent();
      await dialogOf(visitor).getByRole('button', { name: 'Assign' }).click();
      await dialogOf(visitor).getByText('Under maintenance. Retrying automatically').waitFor();
      expect(await visitor.examine()).toEqual([]);
      await dialogOf(visitor).getByText(`Assigned to ${next}.`).waitFor();
      expect(attempts).toBe(2);
      expect(await historyOf(visitor).count()).toBe(2);
      attempts = 0;
      await dialogOf(visitor).getByRole('button', { name: 'Hand on' }).click();
      await dialogOf(visitor)
        .getByText(/^Handed on to .*\.$/)
        .waitFor();
      expect(attempts).toBe(2);
      expect(await historyOf(visitor).count()).toBe(3);
      // A second hand-over would skip a person.
      expect(visitor.requests.join(' ').match(/assignments\.reassign/g)).toHaveLength(1);
      await page.keyboard.press('Escape');

      // As ASSIGNMENT_ROLES refuses it.
      await page.route(/assignments\.next/, (route) =>
        route.fulfill({
          status: 403,
          json: [
            {
              error: {
                json: {
                  message: 'You do not have permission to do this.',
                  code: -32_003,
                  data: { code: 'FORBIDDEN', httpStatus: 403, reason: 'insufficient_permissions' },
                },
              },
            },
          ],
        }),
      );
      await openTicket(visitor, waiting.first());
      await dialogOf(visitor).getByRole('button', { name: 'Assign' }).click();
      await dialogOf(visitor).getByText('Your role may not assign tickets of TTS.').waitFor();
      await page.keyboard.press('Escape');
      await fillNewTicket(visitor, 'May I?', 'TTS');
      await page.getByRole('button', { name: 'Open and assign' }).click();
      await page.getByText('It was not opened: your role may not assign tickets of this system.').waitFor();
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it.runIf(isGuide)(
    'the list has pages of 20 with their names in one request, keeps the focus and shows its top',
    async () => {
      await using visitor = await site.openVisitor();
      const { page, requests } = visitor;
      await visitor.context.addInitScript(stopPolling);
      await visitor.go();
      await visitor.signInAs('Ingrid Solberg');
      const nav = page.getByRole('navigation', { name: 'Pages of tickets' });
      const [previous, next] = [
        nav.getByRole('button', { name: 'Previous' }),
        nav.getByRole('button', { name: 'Next' }),
      ];
      const place = () => nav.locator('.sub').textContent();
      const total = Number.parseInt((await count(visitor)) ?? '', 10);
      expect(await place()).toBe(`1–20 of ${total}`);
      expect(await previous.isDisabled()).toBe(true);
      expect((await next.boundingBox())?.height).toBeGreaterThanOrEqual(38);
      requests.length = 0;
      await next.click();
      expect(await place()).toBe(`21–40 of ${total}`);
      await visitor.namesAreShown();
      expect(requests.filter((url) => /users\.byIds|employees\.byId/.test(url))).toHaveLength(1);
      expect(await nav.getByRole('status').textContent()).toMatch(/^Page 2 of \d$/);
      expect(await focusedText(page)).toBe('Next');
      const top = () => page.locator('.tickets-card').evaluate((card) => card.getBoundingClientRect().top);
      expect(await top()).toBeGreaterThanOrEqual(0);
      expect(await visitor.examine()).toEqual([]);
      while (await next.isEnabled()) await next.click();
      expect(await focusedText(page)).toBe('Previous');
      await visitor.shoot('t7-last-page');
      // The head of the list stays in view.
      await previous.click();
      await page.locator('.ticket').last().scrollIntoViewIfNeeded();
      expect(await page.locator('.tickets-head').evaluate((head) => Math.round(head.getBoundingClientRect().top))).toBe(
        64,
      );
      await visitor.shoot('t8-scrolled');

      // Another filter begins with its first page.
      await visitor.choose('Show the tickets of', 'TTS');
      expect(await place()).toMatch(/^1–20 of 2\d$/);
      await next.click();
      expect(await place()).toMatch(/^21–2\d of 2\d$/);
      // A ticket of one's own is on the first page.
      await fillNewTicket(visitor, `Opened from page 2 ${dialect}`, 'TTS');
      await page.getByRole('button', { name: 'Open and assign' }).click();
      await page.getByRole('button', { name: 'Done' }).click();
      expect(await place()).toMatch(/^1–20 of 2\d$/);
      await expect
        .poll(() => page.locator('.ticket-title').first().textContent())
        .toBe(`Opened from page 2 ${dialect}`);
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );

  it.runIf(isGuide)('the last page stays valid when the list gets shorter', async () => {
    await using visitor = await signIn('Ingrid Solberg');
    const { page } = visitor;
    const nav = page.getByRole('navigation', { name: 'Pages of tickets' });
    const next = nav.getByRole('button', { name: 'Next' });
    while (await next.isEnabled()) await next.click();
    await page.route('**/tickets/', async (route) => {
      const answer = await route.fetch();
      const { tickets } = (await answer.json()) as { tickets: unknown[] };
      await route.fulfill({ response: answer, json: { tickets: tickets.slice(0, 25) } });
    });
    await expect.poll(() => nav.locator('.sub').textContent()).toBe('21–25 of 25');
    expect(await page.locator('.ticket').count()).toBe(5);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)('HTML in a title is shown as text', async () => {
    await using visitor = await signIn('John Doe');
    const { page } = visitor;
    const title = `<img src="/x" alt="${dialect}"> <b>bold</b>`;
    await fillNewTicket(visitor, title, 'TTS');
    await page.getByRole('button', { name: 'Open and assign' }).click();
    await page.getByRole('button', { name: 'Done' }).click();
    await openTicket(visitor, page.locator('.ticket').first());
    expect(await page.getByRole('dialog').getByRole('heading').first().textContent()).toBe(title);
    expect(await page.locator('img, b').count()).toBe(0);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it.runIf(isGuide)(
    'the keyboard alone turns a page, opens a ticket, gives it to the next person, closes it and opens a new one',
    async () => {
      await using visitor = await signIn('Ingrid Solberg');
      const { page } = visitor;
      await tabTo(page, 'Next');
      await page.keyboard.press('Enter');
      await page
        .getByRole('status')
        .filter({ hasText: /^Page 2 of \d$/ })
        .waitFor();
      await visitor.namesAreShown();
      const title = (await page.locator('.ticket-title').last().textContent()) ?? '';
      await tabTo(page, title, 'Shift+Tab');
      // The ring is around the row.
      const ring = await page
        .locator('.ticket-link')
        .last()
        .evaluate((link) => getComputedStyle(link, '::after').outlineStyle);
      expect(ring).toBe('solid');
      await page.keyboard.press('Enter');
      await historyOf(visitor).first().waitFor();
      await tabTo(page, /^(Hand on|Assign)$/);
      await page.keyboard.press('Space');
      await dialogOf(visitor)
        .getByText(/^(Handed on|Assigned) to .*\.$/)
        .waitFor();
      expect(await focusedText(page)).toBe('Hand on');
      await page.keyboard.press('Escape');
      await dialogOf(visitor).waitFor({ state: 'detached' });
      await expect.poll(() => focusedText(page)).toBe(title);
      await tabTo(page, 'New ticket', 'Shift+Tab');
      await page.keyboard.press('Enter');
      await page.keyboard.type('Typed without a mouse');
      await page.keyboard.press('Tab');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Tab');
      expect(await focusedText(page)).toBe('Cancel');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.getByText('is assigned to').waitFor();
      expect(await focusedText(page)).toBe('Done');
      await page.keyboard.press('Enter');
      expect(await focusedText(page)).toBe('New ticket');
      expect(await page.locator('.ticket-title').first().textContent()).toBe('Typed without a mouse');
      expect(await visitor.layoutShift()).toBeLessThan(0.02);
      expect(visitor.unexpectedErrors()).toEqual([]);
    },
  );
});
