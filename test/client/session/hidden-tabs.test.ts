import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAuthClient } from '../../../client/src/index.ts';
import { stubWindow } from '../../support/page/fake-browser.ts';
import { ethan } from '../../support/page/fake-bff.ts';
import { createFakeClock, settle } from '../../support/time/fake-clock.ts';
import { createWorld, type Tab, type World, type WorldOptions } from '../../support/page/open-tabs.ts';
import { hold } from '../../support/time/hold.ts';
import { startApp } from '../../support/app/start-app.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const minutesMs = (minutes: number) => minutes * 60_000;

/** An Auth Service as it is deployed: tokens live for 300 s, and none is refreshed once it has expired. */
const deployed = { lifetimeSeconds: 300, refusesAfterExpiry: true, throttlesHiddenTabs: true } satisfies WorldOptions;

const openHidden = async (world: World, options: Parameters<World['openTab']>[0] = {}): Promise<Tab> => {
  const tab = await world.openSignedIn(options);
  tab.window.hide();
  return tab;
};

/** A tab of another origin that shares the cookies: neither locks nor messages reach it. */
const elsewhere = { locks: null, channel: null };

const expectSignedIn = (...tabs: Tab[]) => {
  for (const { session, onSignedOut } of tabs) {
    expect(session.current.state).toBe('signed_in');
    expect(onSignedOut).not.toHaveBeenCalled();
  }
};

describe('a tab hidden for 20 minutes, where no refresh works after expiry', () => {
  it.each([
    ['timers once a minute', true],
    ['timers on time', false],
  ])('stays signed in with 4 or 5 refreshes: %s', async (_name, throttlesHiddenTabs) => {
    for (const random of [0, 1]) {
      const world = createWorld({ ...deployed, throttlesHiddenTabs });
      const tab = await openHidden(world, { random: () => random });
      await world.clock.advance(minutesMs(20));
      expectSignedIn(tab);
      expect(world.bff.exchanges()).toBeGreaterThanOrEqual(4);
      expect(world.bff.exchanges()).toBeLessThanOrEqual(5);
      expect(await tab.trpc.users.byId.query({ id: 1 })).toEqual({ id: 1 });
    }
  });

  it('stays signed in for any second of the minute in which it was hidden', async () => {
    for (let seconds = 0; seconds < 60; seconds += 29) {
      const world = createWorld(deployed);
      world.clock.sleep(seconds * 1000);
      const tab = await openHidden(world);
      await world.clock.advance(minutesMs(20));
      expectSignedIn(tab);
      expect(world.bff.exchanges()).toBeLessThanOrEqual(5);
    }
  });

  it.each<[string, WorldOptions]>([
    ['with locks and messages', {}],
    ['with messages that arrive after the lock is released', { channelDelayMs: 2_000 }],
    ['with messages that never arrive', { channelDelayMs: minutesMs(60) }],
    ['without locks', { locks: null }],
    ['with locks that never respond', { locks: 'hangs' }],
  ])('stays signed in beside a second hidden tab, and both refresh as often as one: %s', async (_name, options) => {
    for (const secondsApart of [0, 7, 61]) {
      const world = createWorld({ ...deployed, ...options });
      const first = await openHidden(world);
      await world.clock.advance(secondsApart * 1000);
      const second = await openHidden(world);
      await world.clock.advance(minutesMs(20));
      expectSignedIn(first, second);
      expect(world.bff.exchanges()).toBeGreaterThanOrEqual(4);
      expect(world.bff.exchanges()).toBeLessThanOrEqual(6);
    }
  });

  it('stays signed in beside a tab of another origin that shares the cookies', async () => {
    const world = createWorld(deployed);
    const first = await openHidden(world);
    await world.clock.advance(20_000);
    const second = await openHidden(world, elsewhere);
    await world.clock.advance(minutesMs(20));
    expectSignedIn(first, second);
    expect(world.bff.exchanges()).toBeGreaterThanOrEqual(4);
    expect(world.bff.exchanges()).toBeLessThanOrEqual(6);
  });

  it('adds no refresh to those of a visible tab', async () => {
    const world = createWorld(deployed);
    const hidden = await openHidden(world);
    const visible = await world.openSignedIn();
    const hiddenElsewhere = await openHidden(world, elsewhere);
    await world.clock.advance(minutesMs(20));
    expectSignedIn(hidden, visible, hiddenElsewhere);
    // At half of the lifetime: every 150 s.
    expect(world.bff.exchanges()).toBe(8);
  });

  it('is signed out if refreshWhileHidden is false, and detects it when it is shown', async () => {
    const world = createWorld(deployed);
    const tab = await openHidden(world, { refreshWhileHidden: false });
    await world.clock.advance(minutesMs(20));
    expect(world.bff.count('session.refresh')).toBe(0);
    expectSignedIn(tab);
    tab.window.show();
    await world.settle();
    expect(tab.session.current.state).toBe('signed_out');
    expect(tab.onSignedOut).toHaveBeenCalledTimes(1);
  });
});

describe('a hidden tab', () => {
  it('refreshes once for two tabs if the second timer fires between the release of the lock and the message', async () => {
    const world = createWorld({ ...deployed, channelDelayMs: 1_000 });
    const tabs = [await openHidden(world), await openHidden(world)];
    await world.clock.advance(minutesMs(4.5));
    expect(world.bff.exchanges()).toBe(1);
    expect(world.bff.count('session.refresh')).toBe(1);
    // The second one has asked, and seen that it was done.
    expect(world.bff.count('session.current')).toBe(2);
    expectSignedIn(...tabs);
  });

  it('refreshes at once when it is shown after its due time', async () => {
    const world = createWorld(deployed);
    const tab = await openHidden(world);
    await world.clock.advance(149_000);
    tab.window.show();
    await world.settle();
    expect(world.bff.exchanges()).toBe(0);
    tab.window.hide();
    await world.clock.advance(1_000);
    expect(world.bff.exchanges()).toBe(0);
    tab.window.show();
    await world.settle();
    expect(world.bff.exchanges()).toBe(1);
  });

  it('that makes calls refreshes like a visible tab', async () => {
    const world = createWorld(deployed);
    const tab = await openHidden(world);
    await world.clock.advance(150_000);
    await tab.trpc.users.byId.query({ id: 1 });
    await world.settle();
    expect(world.bff.exchanges()).toBe(1);
  });

  it('changes its due time when it is hidden or shown', async () => {
    const world = createWorld({ ...deployed, throttlesHiddenTabs: false });
    const tab = await world.openSignedIn({ isVisible: false });
    await world.clock.advance(100_000);
    tab.window.show();
    await world.clock.advance(50_000);
    expect(world.bff.exchanges()).toBe(1);
    tab.window.hide();
    await world.clock.advance(224_000);
    expect(world.bff.exchanges()).toBe(1);
    await world.clock.advance(1_000);
    expect(world.bff.exchanges()).toBe(2);
  });

  it('uses the total lifetime of a token that another origin obtained', async () => {
    const world = createWorld(deployed);
    const tab = await openHidden(world);
    await world.clock.advance(150_000);
    const elsewhereTab = world.openTab(elsewhere);
    await elsewhereTab.session.refresh();
    elsewhereTab.session.dispose();
    // It looks on a whole minute, 110 s later. At half of the lifetime, 40 s after that, it is due in a visible tab.
    await world.clock.advance(110_000);
    expect(world.bff.count('session.current')).toBe(1);
    expect(world.bff.exchanges()).toBe(1);
    tab.window.show();
    await world.clock.advance(39_000);
    expect(world.bff.exchanges()).toBe(1);
    await world.clock.advance(1_000);
    expect(world.bff.exchanges()).toBe(2);
  });

  it('ends its session without a refresh if the cookies are gone', async () => {
    const world = createWorld(deployed);
    const tab = await openHidden(world);
    Object.assign(world.browser.jar, { access: null, refresh: null });
    await world.clock.advance(minutesMs(5));
    expect(tab.session.current.state).toBe('signed_out');
    expect(tab.onSignedOut).toHaveBeenCalledTimes(1);
    expect(world.bff.count('session.refresh')).toBe(0);
  });

  it('retries before the expiry if the network fails', async () => {
    const world = createWorld(deployed);
    const tab = await openHidden(world);
    world.bff.state.intercept = () => Promise.reject(new TypeError('Failed to fetch'));
    await world.clock.advance(minutesMs(4));
    expect(world.bff.exchanges()).toBe(0);
    world.bff.state.intercept = null;
    tab.window.comeOnline();
    await world.clock.advance(50_000);
    expect(world.bff.exchanges()).toBe(1);
    expectSignedIn(tab);
  });

  it('informs the tabs of its origin that another person has signed in elsewhere', async () => {
    const world = createWorld(deployed);
    const tabs = [await openHidden(world), await openHidden(world, { refreshWhileHidden: false })];
    await world.clock.advance(5_000);
    world.browser.signIn(ethan);
    await world.clock.advance(minutesMs(5));
    for (const { session, states } of tabs) {
      expect(session.current.user).toEqual(ethan);
      expect(states()).toContain('changed');
    }
  });

  it('keeps its session if its refresh token is superseded and the new lifetime is unknown', async () => {
    const world = createWorld(deployed);
    const tab = await openHidden(world);
    const data = { code: 'UNAUTHORIZED', httpStatus: 401, reason: 'refresh_superseded' };
    const body = JSON.stringify({ error: { json: { message: 'superseded', code: -32_001, data } } });
    world.bff.state.intercept = ({ path }) => {
      if (path !== 'session.refresh') return null;
      world.bff.state.intercept = null;
      world.browser.signIn();
      return new Response(body, { status: 401 });
    };
    await world.clock.advance(minutesMs(20));
    expectSignedIn(tab);
    expect(world.bff.exchanges()).toBeGreaterThanOrEqual(3);
  });

  it('leaves no timer after dispose', async () => {
    const world = createWorld(deployed);
    const tab = await openHidden(world);
    expect(world.clock.pending()).toBe(1);
    tab.session.dispose();
    expect(world.clock.pending()).toBe(0);
  });

  it.each([60, 90, 120])('loops for no token that lives %d s', async (lifetimeSeconds) => {
    const world = createWorld({ lifetimeSeconds });
    await openHidden(world);
    await world.clock.advance(minutesMs(20));
    expect(world.bff.exchanges()).toBeLessThanOrEqual((1200 / lifetimeSeconds) * 3 + 1);
  });

  it.each([90, 120, 150])('stays signed in on late timers with a token that lives %d s', async (lifetimeSeconds) => {
    const world = createWorld({ ...deployed, lifetimeSeconds });
    // Hidden on a whole minute, as it is after its first refresh there.
    world.clock.sleep(20_000);
    const tab = await openHidden(world);
    await world.clock.advance(minutesMs(20));
    expect(tab.onSignedOut).not.toHaveBeenCalled();
    expectSignedIn(tab);
  });
});

describe('a laptop that slept with two hidden tabs', () => {
  const sleep = async (options: WorldOptions) => {
    const world = createWorld(options);
    const tabs = [await openHidden(world), await openHidden(world)];
    await world.clock.advance(minutesMs(1));
    world.clock.sleep(minutesMs(60));
    await world.clock.advance(minutesMs(2));
    return { world, tabs };
  };

  it('refreshes once after it wakes', async () => {
    const { world, tabs } = await sleep({ ...deployed, refusesAfterExpiry: false });
    expect(world.bff.exchanges()).toBe(1);
    expectSignedIn(...tabs);
  });

  it('ends its session once if the Auth Service rejects refreshes after expiry', async () => {
    const { world, tabs } = await sleep(deployed);
    expect(world.bff.count('session.refresh')).toBe(1);
    for (const tab of tabs) {
      expect(tab.session.current.state).toBe('signed_out');
      expect(tab.onSignedOut).toHaveBeenCalledTimes(1);
    }
    const before = world.bff.asked.length;
    await world.clock.advance(minutesMs(20));
    expect(world.bff.asked).toHaveLength(before);
  });
});

describe('a tab that was frozen', () => {
  it('checks the session before it sends calls, and refreshes an expired token', async () => {
    const world = createWorld({ lifetimeSeconds: 300 });
    const tab = await openHidden(world, { refreshWhileHidden: false });
    world.clock.sleep(minutesMs(20));
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    tab.window.resume();
    const call = tab.trpc.users.byId.query({ id: 1 });
    await world.settle();
    expect(world.bff.asked.map(({ path }) => path)).toEqual(['session.me', 'session.current', 'session.refresh']);
    held.release();
    expect(await call).toEqual({ id: 1 });
    expectSignedIn(tab);
  });
});

describe('over a real BFF before the deployed dialect', () => {
  it('a tab hidden for 20 minutes stays signed in with 4 or 5 refreshes', async () => {
    const clock = createFakeClock();
    const startMs = Math.floor(Date.now() / 1000) * 1000 - clock.now();
    const now = () => startMs + clock.now();
    await using app = await startApp({ dialect: 'deployed', now, authService: { accessLifetimeSeconds: 300 } });
    const browser = app.browser();
    const window = stubWindow();
    const underWay = new Set<object>();
    const onSignedOut = vi.fn<() => void>();
    const { trpc, session } = createAuthClient({
      url: `${app.url}/trpc`,
      clock,
      retry: false,
      channel: null,
      onSignedOut,
      fetch: async (input, init) => {
        const request = {};
        underWay.add(request);
        try {
          return await browser.fetch(input, init);
        } finally {
          underWay.delete(request);
        }
      },
    });
    browser.holdTokens(await app.authService.issue({ type: 'staff', id: 123 }));
    await trpc.session.me.query();
    window.hide();
    for (let second = 0; second < 1200; second += 10) {
      await clock.advance(10_000);
      while (underWay.size > 0) await settle();
    }
    expect(session.current.state).toBe('signed_in');
    expect(onSignedOut).not.toHaveBeenCalled();
    expect(app.authService.count('refresh')).toBeGreaterThanOrEqual(4);
    expect(app.authService.count('refresh')).toBeLessThanOrEqual(5);
    expect((await trpc.users.byId.query({ id: 5 })).id).toBe(5);
    session.dispose();
  });
});
