import { expect, it } from 'vitest';
import type { Dialect } from '../../server/dev/auth-service/auth-service.ts';
import type { Site } from './use-desk.ts';

/** Console errors of requests that fail without a valid token, and of requests during an outage of the Auth Service. */
export const expiry = [/401 .*\/trpc\/(users|session|status|employees|assignments)\./, /401 .*\/tickets\//];
export const outage = /50[03] .*\/trpc\//;

/** User-visible differences between the two dialects. */
const of = {
  guide: {
    inactive: 'This account is not active',
    employee: 'Benjamin Strand',
    // The token does not contain it.
    ownName: 'you',
    // This employee has no tickets, and a second factor.
    hasTickets: false,
    outageMs: 20_000,
  },
  deployed: {
    // The response is the same for an inactive account and a wrong password.
    inactive: 'Wrong e-mail or password',
    // Employees with a second factor cannot sign in.
    employee: 'Alice Navarro',
    ownName: 'Alice Navarro',
    hasTickets: true,
    outageMs: 6_000,
  },
} satisfies Record<Dialect, object>;

/** The tests that apply to both dialects. */
export const mainStories = ({ site, dialect }: { site: Site; dialect: Dialect }) => {
  const { inactive, employee, ownName, hasTickets, outageMs } = of[dialect];

  it('sees a helpful message for each kind of rejected sign-in', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    visitor.expectErrors(/401 .*\/trpc\/session\.(login|verifyOtp)/);
    await visitor.go();
    const alert = page.locator('#sign-in-error');
    await page.getByRole('button', { name: 'Beatrice Lang' }).click();
    await expect.poll(() => alert.textContent()).toContain(inactive);
    await page.getByLabel('Password').fill('a guess');
    expect(await alert.textContent()).toBe('');
    await page.getByRole('button', { name: 'Oluwaseun Adeyemi' }).click();
    await expect.poll(() => alert.textContent()).toContain('this account is locked');
    await page.getByRole('button', { name: 'Rafael Domingo' }).click();
    await page.getByLabel('Code').fill('000000');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('Wrong code').waitFor();
    await page.getByRole('button', { name: 'Back' }).click();
    await page.getByRole('button', { name: 'Hana Kobayashi' }).click();
    await page.getByLabel("I'm not a robot").check();
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { name: 'Tickets' }).waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('opens one ticket with one assignment by a double click', async () => {
    await using visitor = await site.openVisitor();
    const { page, requests } = visitor;
    await visitor.go();
    await visitor.signInAs('John Doe');
    const rotation = encodeURIComponent(JSON.stringify({ json: { system: 'TTS', role: 'Technician' } }));
    const inTheirTurns = async (): Promise<number[]> => {
      const answer = await page.request.get(`${site.desk().url}/trpc/assignments.candidates?input=${rotation}`);
      const { result } = (await answer.json()) as { result: { data: { json: { users: Array<{ id: number }> } } } };
      return result.data.json.users.map(({ id }) => id);
    };
    const [first, ...others] = await inTheirTurns();
    const next = await page.locator('.next-card strong').textContent();
    const count = async () => Number.parseInt((await page.locator('.tickets-head .sub').textContent()) ?? '', 10);
    const before = await count();
    await page.getByRole('button', { name: 'New ticket' }).click();
    await page.keyboard.type('Opened by two clicks');
    await page.getByRole('button', { name: 'Open and assign' }).dblclick();
    await page.getByText(`is assigned to ${next}.`).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await expect.poll(count).toBe(before + 1);
    expect(await page.locator('.ticket', { hasText: 'Opened by two clicks' }).textContent()).toContain(`for${next}`);
    expect(await inTheirTurns()).toEqual([...others, first]);
    // Both clicks sent a request; the idempotency key made them one ticket.
    expect(requests.join(' ').match(/assignments\.next/g)).toHaveLength(2);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('sees an even distribution while tickets are opened, also from another tab', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    await visitor.go();
    await visitor.signInAs('Ingrid Solberg');
    const other = await visitor.context.newPage();
    await other.goto(site.desk().url);
    await other.locator('.bar-count').first().waitFor();
    const counts = async () => (await other.locator('.bar-count').allTextContents()).map(Number);
    const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
    const before = sum(await counts());
    await page.getByRole('button', { name: 'Create 6 sample tickets' }).click();
    await expect.poll(async () => sum(await counts()), { timeout: 15_000 }).toBe(before + 6);
    const now = await counts();
    expect(Math.max(...now) - Math.min(...now)).toBeLessThanOrEqual(1);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('sees the next assignee of a system other than TTS', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    await visitor.go();
    await visitor.signInAs('John Doe');
    await visitor.choose('Turns of', 'AMS');
    const managers = ['Oluwaseun Adeyemi', 'Sofia Lindqvist', 'Henrik Dahl', 'Stefan Ionescu'];
    await expect
      .poll(async () => managers.includes((await page.locator('.next-card strong').textContent()) ?? ''))
      .toBe(true);
    await expect.poll(() => page.locator('.bar-count').count()).toBe(managers.length);
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it('who is an employee sees only their own tickets, and opens one without an assignment', async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    await visitor.go();
    await page.getByRole('button', { name: employee }).click();
    if (hasTickets) {
      await page.locator('.ticket .person-name').first().waitFor();
    } else {
      await page.getByRole('button', { name: 'Use it' }).click();
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText('You have no tickets yet').waitFor();
      await visitor.shoot('14-empty');
    }
    expect(await visitor.examine()).toEqual([]);
    await page.getByRole('button', { name: 'New ticket' }).click();
    await page.keyboard.type('My phone is wet');
    await page.getByRole('button', { name: 'Open ticket' }).click();
    await page.getByText('is open. A member of TTS will take it.').waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.locator('.ticket', { hasText: 'My phone is wet' }).filter({ hasText: ownName }).waitFor();
    expect(visitor.unexpectedErrors()).toEqual([]);
  });

  it(`loses no data in an outage of ${outageMs / 1000} seconds, and the page recovers automatically`, async () => {
    await using visitor = await site.openVisitor();
    const { page } = visitor;
    visitor.expectErrors(outage, ...expiry);
    await visitor.go();
    await visitor.signInAs('Ingrid Solberg');
    const names = await page.locator('.ticket .person-name').allTextContents();
    const downAtMs = performance.now();
    await visitor.choose('State of the Auth Service', 'Down');

    await page.getByRole('button', { name: 'New ticket' }).click();
    await page.keyboard.type('Written in an outage');
    // The candidates of this system were not requested before, so nothing is cached.
    await visitor.choose('System', 'BMS');
    await page.getByRole('button', { name: 'Open and assign' }).click();
    await page.getByText('Your ticket is saved and will be sent automatically').waitFor();
    expect(await visitor.examine()).toEqual([]);
    await visitor.shoot('15-kept');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.locator('.person-name[data-stale]').first().waitFor();

    const shownNames = async () =>
      (await page.locator('.ticket .person-name').allTextContents()).map((name) =>
        name.replace(' (as last known)', ''),
      );
    while (performance.now() - downAtMs < outageMs) {
      expect(await shownNames()).toEqual(names);
      expect(await page.getByRole('button', { name: 'Sign out' }).isVisible()).toBe(true);
      await page.waitForTimeout(1_000);
    }
    // A page that is opened during the outage shows all cached data.
    const late = await visitor.context.newPage();
    await late.goto(site.desk().url);
    await late.locator('.ticket .person-name').first().waitFor();
    await late.close();

    await visitor.choose('State of the Auth Service', 'Healthy');
    await page.locator('.banner').waitFor({ state: 'detached' });
    await page.locator('.ticket', { hasText: 'Written in an outage' }).waitFor();
    expect(await page.locator('.ticket', { hasText: 'Written in an outage' }).count()).toBe(1);
    await page.locator('.person-name[data-stale]').first().waitFor({ state: 'detached' });
    expect(visitor.unexpectedErrors()).toEqual([]);
  });
};
