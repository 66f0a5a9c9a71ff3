import { useDom } from '../../support/page/dom.ts';
import { startBrowser } from '../../support/page/react-page.ts';
import { createElement } from 'react';
import { describe, expect, it, vi } from 'vitest';
import { failOnComplaints } from '../../support/output/complaints.ts';
import { hold } from '../../support/time/hold.ts';
import { Found, Header, Me, Mine } from '../../support/page/page-parts.ts';
import { forgetful } from '../../support/app/start-app.ts';

const ethan = { type: 'staff', id: 2 } as const;

useDom();
failOnComplaints();

type Browser = Awaited<ReturnType<typeof startBrowser>>;

const signInElsewhere = async ({ browser, app }: Browser) => browser.holdTokens(await app.authService.issue(ethan));

/** A page of John without messages from other origins, and a page of another origin where Ethan signs in. */
const startJohnsPage = async () => {
  const browser = await startBrowser({ env: forgetful });
  const page = browser.open({ channel: null, locks: null });
  page.show(createElement(Header), createElement(Me), createElement(Mine));
  await page.shows('signed_in John Doe. John DoeJohn');
  page.frames.length = 0;
  return { browser, page };
};

describe('a page whose person is replaced on another origin', () => {
  it.each([
    ['that succeeds', 5, 'Kwame Mensah'],
    ['that fails', 987_654, 'user_not_found'],
  ])(
    'empties its cache before it stores the answer %s, and never shows one beside the other',
    async (_name, id, text) => {
      const { browser, page } = await startJohnsPage();
      await using _ = browser;
      await signInElsewhere(browser);
      page.show(createElement(Header), createElement(Me), createElement(Mine), createElement(Found, { id }));
      await page.shows(`changed Ethan Caldwell. Ethan CaldwellEthan${text}`);
      for (const frame of page.frames) expect(frame).not.toMatch(/changed .*John|John.*Ethan|Ethan.*John/);
      expect(page.frames.find((frame) => frame.startsWith('changed'))).toContain('loadingloading');
    },
  );

  it('stores no response to the previous person that was in flight', async () => {
    const { browser, page } = await startJohnsPage();
    await using _ = browser;
    const held = hold();
    browser.app.authService.fault('staff-profile', { kind: 'hold', until: held.until, times: 1 });
    const before = browser.app.authService.count('staff-profile');
    void page.queryClient.invalidateQueries();
    await vi.waitFor(() => expect(browser.app.authService.count('staff-profile')).toBe(before + 1));
    await signInElsewhere(browser);
    await page.client.trpc.users.byId.query({ id: 5 });
    await page.shows('changed Ethan Caldwell. Ethan CaldwellEthan');
    held.release();
    // The late response has arrived once its call was repeated as Ethan, without a component that uses it.
    await vi.waitFor(() => expect(page.requests.filter((path) => path.includes('users.me'))).toHaveLength(4));
    await page.client.trpc.users.byId.query({ id: 5 });
    await page.shows('changed Ethan Caldwell. Ethan CaldwellEthan');
    expect(page.frames.join(' ')).not.toMatch(/changed .*John/);
  });

  it('gives a waiting loader the response to the new person', async () => {
    const { browser, page } = await startJohnsPage();
    await using _ = browser;
    const held = hold();
    const loaded: string[] = [];
    const queryFn = async () => {
      if (loaded.length === 0) await held.until;
      loaded.push(page.client.session.current.user?.id === ethan.id ? 'of Ethan' : 'of John');
      return loaded.at(-1);
    };
    const loader = page.queryClient.fetchQuery({ queryKey: ['tickets'], queryFn });
    loaded.push('begun');
    await signInElsewhere(browser);
    await page.client.trpc.users.byId.query({ id: 5 });
    expect(await loader).toBe('of Ethan');
    held.release();
    await page.shows('changed Ethan Caldwell. Ethan CaldwellEthan');
    expect(page.queryClient.getQueryData(['tickets'])).toBe('of Ethan');
  });
});
