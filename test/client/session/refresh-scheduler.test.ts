import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reasonOf } from '../../../client/src/index.ts';
import { createWorld, type World } from '../../support/page/open-tabs.ts';
import { hold } from '../../support/time/hold.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** When, in seconds from now, the next refresh is made. */
const nextRefreshIn = async ({ clock, bff }: World, atMostSeconds: number): Promise<number | null> => {
  const [start, before] = [clock.now(), bff.count('session.refresh')];
  const isMade = () => bff.count('session.refresh') > before;
  await clock.advance(atMostSeconds * 1000, isMade);
  return isMade() ? (clock.now() - start) / 1000 : null;
};

describe('a visible tab', () => {
  it('refreshes at every x-session-refresh-in, and no call waits', async () => {
    const world = createWorld({ lifetimeSeconds: 900, thresholdSeconds: 300 });
    const { trpc, onSignedOut } = await world.openSignedIn();
    for (let round = 0; round < 3; round += 1) expect(await nextRefreshIn(world, 900)).toBe(600);
    await trpc.users.byId.query({ id: 1 });
    expect(world.bff.exchanges()).toBe(3);
    expect(world.bff.callCount('users.byId')).toBe(1);
    expect(onSignedOut).not.toHaveBeenCalled();
  });

  it('adds a random spread to its refreshes', async () => {
    const world = createWorld();
    await world.openSignedIn({ random: () => 0.999 });
    // A tenth of the 300 seconds that are left then, and never more than 30.
    expect(await nextRefreshIn(world, 900)).toBeCloseTo(629.97);
  });

  it.each([
    // The same in short: 20 s that are left, and a tenth of them.
    [1, 60, 41],
    [20, 900, 629],
  ])(
    'refreshes no later where it makes a call every %d of %d seconds',
    async (everySeconds, lifetimeSeconds, dueIn) => {
      const world = createWorld({ lifetimeSeconds, thresholdSeconds: lifetimeSeconds / 3 });
      const { trpc } = await world.openSignedIn({ random: () => 0.999 });
      for (let seconds = 0; seconds < dueIn; seconds += everySeconds) {
        expect(world.bff.exchanges()).toBe(0);
        await trpc.users.byId.query({ id: 1 });
        await world.clock.advance(everySeconds * 1000);
      }
      await world.clock.advance(2_000);
      expect(world.bff.exchanges()).toBe(1);
    },
  );

  it.each([
    [60, 840],
    [300, 600],
    [450, 450],
    // Never more than half of the lifetime.
    [451, 450],
    [900, 450],
    [100_000, 450],
  ])(
    'refreshes %d seconds before expiry if refreshThresholdSeconds says so',
    async (refreshThresholdSeconds, expected) => {
      const world = createWorld({ lifetimeSeconds: 900 });
      await world.openSignedIn({ refreshThresholdSeconds });
      expect(await nextRefreshIn(world, 900)).toBe(expected);
      expect(await nextRefreshIn(world, 900)).toBe(expected);
      // Answers in between do not bring it forward.
      expect(world.bff.exchanges()).toBe(2);
    },
  );

  it('does not loop if the threshold exceeds the lifetime', async () => {
    const world = createWorld({ lifetimeSeconds: 120 });
    const { trpc } = await world.openSignedIn({ refreshThresholdSeconds: 600 });
    for (let minute = 0; minute < 20; minute += 1) {
      for (let call = 0; call < 5; call += 1) await trpc.users.byId.query({ id: 1 });
      await world.clock.advance(60_000);
    }
    expect(world.bff.exchanges()).toBeGreaterThanOrEqual(19);
    expect(world.bff.exchanges()).toBeLessThanOrEqual(20);
  });

  it('does not loop if the BFF states that each new token is due at once', async () => {
    const world = createWorld({ lifetimeSeconds: 900 });
    world.bff.state.intercept = () => null;
    const { trpc } = await world.openSignedIn({
      fetch: async (input, init) => {
        const answer = await world.browser.fetch(input, init);
        answer.headers.set('x-session-refresh-in', '0');
        return answer;
      },
    });
    for (let minute = 0; minute < 60; minute += 1) {
      await trpc.users.byId.query({ id: 1 });
      await world.clock.advance(60_000);
    }
    // The first one as told, and then no sooner than at half of the lifetime.
    expect(world.bff.exchanges()).toBeLessThanOrEqual(9);
    expect(world.bff.exchanges()).toBeGreaterThanOrEqual(7);
  });

  it('keeps the minimum spacing if tokens have a lifetime of 0', async () => {
    const world = createWorld({ lifetimeSeconds: 0 });
    world.browser.signIn();
    const { session } = world.openTab();
    await session.refresh();
    await world.clock.advance(600_000);
    expect(world.bff.exchanges()).toBeLessThanOrEqual(14);
  });

  it('waits for a token whose lifetime exceeds the maximum timer delay', async () => {
    const world = createWorld({ lifetimeSeconds: 100 * 86_400, thresholdSeconds: 86_400 });
    await world.openSignedIn();
    await world.clock.advance(98 * 86_400_000);
    expect(world.bff.exchanges()).toBe(0);
    await world.clock.advance(2 * 86_400_000);
    expect(world.bff.exchanges()).toBe(1);
  });

  it('ignores lifetime headers that are not numbers', async () => {
    const world = createWorld();
    const nonsense = ['-1', 'soon', '1e3', '0x10', '', '99999999999999999999', '1.5'];
    const tab = world.openTab({
      fetch: async (input, init) => {
        const answer = await world.browser.fetch(input, init);
        answer.headers.set('x-session-refresh-in', nonsense.shift() ?? 'NaN');
        return answer;
      },
    });
    world.browser.signIn();
    for (let call = 0; call < 8; call += 1) await tab.trpc.users.byId.query({ id: 1 });
    expect(world.clock.pending()).toBe(0);
    expect(tab.session.current.expiresIn).toBeNull();
  });
});

describe('a hidden tab', () => {
  it('refreshes when it becomes visible, and not before', async () => {
    const world = createWorld();
    const tab = await world.openSignedIn();
    tab.window.hide();
    await world.clock.advance(800_000);
    expect(world.bff.exchanges()).toBe(0);
    tab.window.show();
    await world.settle();
    expect(world.bff.exchanges()).toBe(1);
    tab.window.hide();
    tab.window.show();
    await world.settle();
    expect(world.bff.exchanges()).toBe(1);
  });

  it('refreshes when a call is made', async () => {
    const world = createWorld();
    const { trpc, session } = await world.openSignedIn({ isVisible: false });
    await world.clock.advance(800_000);
    await Promise.all([trpc.users.byId.query({ id: 1 }), session.fetch('https://app.test/trpc/session.me')]);
    await world.settle();
    expect(world.bff.exchanges()).toBe(1);
  });

  it('does not refresh beside a sign-in or a sign-out', async () => {
    const world = createWorld();
    const { session } = await world.openSignedIn({ isVisible: false });
    await world.clock.advance(800_000);
    await session.signOut();
    await world.settle();
    expect(world.bff.exchanges()).toBe(0);
    expect(world.clock.pending()).toBe(0);
  });

  it('does not refresh when the network is back, unless it is visible', async () => {
    const world = createWorld();
    const tab = await world.openSignedIn();
    tab.window.hide();
    await world.clock.advance(800_000);
    tab.window.comeOnline();
    await world.settle();
    expect(world.bff.exchanges()).toBe(0);
  });
});

describe('a laptop', () => {
  it('that slept for a day refreshes once after it wakes, and then on schedule', async () => {
    const world = createWorld();
    const { onSignedOut } = await world.openSignedIn();
    world.clock.sleep(86_400_000);
    expect(await nextRefreshIn(world, 5)).toBe(0);
    expect(world.bff.exchanges()).toBe(1);
    expect(await nextRefreshIn(world, 900)).toBe(600);
    expect(onSignedOut).not.toHaveBeenCalled();
  });

  it('whose monotonic clock stopped during sleep refreshes after its next call', async () => {
    const world = createWorld();
    const { trpc, onSignedOut } = await world.openSignedIn();
    world.bff.state.aheadMs = 86_400_000;
    expect(await trpc.users.byId.query({ id: 1 })).toEqual({ id: 1 });
    expect(world.bff.exchanges()).toBe(1);
    expect(onSignedOut).not.toHaveBeenCalled();
  });

  it('that wakes offline refreshes when the network is back', async () => {
    const world = createWorld();
    const { window, onSignedOut, session } = await world.openSignedIn();
    world.bff.state.intercept = () => Promise.reject(new TypeError('Failed to fetch'));
    world.clock.sleep(86_400_000);
    await world.clock.advance(60_000);
    expect(world.bff.exchanges()).toBe(0);
    world.bff.state.intercept = null;
    world.clock.sleep(61_000);
    window.comeOnline();
    await world.settle();
    expect(world.bff.exchanges()).toBe(1);
    expect(session.current).toMatchObject({ state: 'signed_in', expiresIn: 900 });
    expect(onSignedOut).not.toHaveBeenCalled();
  });
});

describe('after a failure', () => {
  it('backs off exponentially up to a minute, and resets after a success', async () => {
    const world = createWorld();
    await world.openSignedIn({ random: () => 1 });
    world.bff.state.intercept = ({ path }) => (path === 'session.refresh' ? new Response('', { status: 502 }) : null);
    expect(await nextRefreshIn(world, 900)).toBe(630);
    const waits: (number | null)[] = [];
    for (let failure = 0; failure < 6; failure += 1) waits.push(await nextRefreshIn(world, 120));
    expect(waits).toEqual([5, 10, 20, 40, 60, 60]);
    world.bff.state.intercept = null;
    await nextRefreshIn(world, 120);
    expect(world.bff.exchanges()).toBe(1);
  });

  it('waits for retryAfterSeconds', async () => {
    const world = createWorld();
    await world.openSignedIn();
    const data = { code: 'SERVICE_UNAVAILABLE', httpStatus: 503, reason: 'overloaded', retryAfterSeconds: 90 };
    const body = JSON.stringify({ error: { json: { message: 'Later', code: -32_603, data } } });
    world.bff.state.intercept = ({ path }) => (path === 'session.refresh' ? new Response(body, { status: 503 }) : null);
    expect(await nextRefreshIn(world, 900)).toBe(600);
    expect(await nextRefreshIn(world, 120)).toBe(90);
  });

  it('calls do not shorten the back-off', async () => {
    const world = createWorld();
    const { trpc } = await world.openSignedIn({ random: () => 1 });
    world.bff.state.intercept = ({ path }) => (path === 'session.refresh' ? new Response('', { status: 502 }) : null);
    await nextRefreshIn(world, 900);
    const before = world.bff.count('session.refresh');
    for (let call = 0; call < 20; call += 1) {
      await trpc.users.byId.query({ id: 1 });
      await world.clock.advance(100);
    }
    expect(world.bff.count('session.refresh')).toBe(before);
  });

  it('does not refresh without a session', async () => {
    const world = createWorld();
    const { session } = world.openTab();
    world.bff.state.intercept = () => Promise.reject(new TypeError('Failed to fetch'));
    expect(await session.refresh().catch(reasonOf)).toBe('network');
    await world.clock.advance(600_000);
    expect(world.bff.count('session.refresh')).toBe(1);
    expect(world.clock.pending()).toBe(0);
  });

  it('does not refresh again after a rejected refresh', async () => {
    const world = createWorld();
    const { onSignedOut } = await world.openSignedIn();
    if (world.browser.jar.refresh !== null) world.browser.jar.refresh.chain.isEnded = true;
    expect(await nextRefreshIn(world, 900)).toBe(600);
    await world.clock.advance(3_600_000);
    expect(world.bff.count('session.refresh')).toBe(1);
    expect(onSignedOut).toHaveBeenCalledTimes(1);
  });

  it('does not end the session if a refresh is still in flight at the expiry', async () => {
    const world = createWorld();
    const { trpc, onSignedOut } = await world.openSignedIn({ refreshTimeoutMs: 400_000 });
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    await world.clock.advance(901_000);
    const call = trpc.users.byId.query({ id: 1 });
    await world.settle();
    held.release();
    expect(await call).toEqual({ id: 1 });
    expect(world.bff.exchanges()).toBe(1);
    expect(onSignedOut).not.toHaveBeenCalled();
  });
});

describe.each([
  ['an hour ahead', 3_600_000],
  ['an hour behind', -3_600_000],
  ['in 1970', -Date.now()],
])("a browser's clock that is %s", (_name, offMs) => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + offMs });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('a change of the system time has no effect', async () => {
    const world = createWorld();
    const { trpc, session, onSignedOut } = await world.openSignedIn();
    expect(session.current.expiresIn).toBe(900);
    expect(await nextRefreshIn(world, 900)).toBe(600);
    vi.setSystemTime(Date.now() - offMs);
    expect(session.current.expiresIn).toBe(900);
    expect(await nextRefreshIn(world, 900)).toBe(600);
    vi.setSystemTime(Date.now() + offMs);
    world.bff.state.aheadMs = 901_000;
    expect(await trpc.users.byId.query({ id: 1 })).toEqual({ id: 1 });
    expect(world.bff.exchanges()).toBe(3);
    expect(onSignedOut).not.toHaveBeenCalled();
  });
});
