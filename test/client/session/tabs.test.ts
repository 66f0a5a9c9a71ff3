import { afterEach, describe, expect, it, vi } from 'vitest';
import { reasonOf } from '../../../client/src/index.ts';
import { createTabs, type Locks } from '../../../client/src/session/tabs.ts';
import type { AuthFetch } from '../../../client/src/transport.ts';
import { ethan, john } from '../../support/page/fake-bff.ts';
import type { LockBehaviour } from '../../support/page/fake-browser.ts';
import { createWorld, nothingLeft, type Tab, type World, type WorldOptions } from '../../support/page/open-tabs.ts';
import { hold } from '../../support/time/hold.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const openTabs = async (world: World, count: number): Promise<Tab[]> => {
  const tabs: Tab[] = [];
  for (let tab = 0; tab < count; tab += 1) tabs.push(await world.openSignedIn());
  return tabs;
};

const expire = ({ bff }: World) => {
  bff.state.aheadMs += 901_000;
};

/** Each tab sends a query. Time passes until all have a response. */
const queryAll = async ({ clock }: World, tabs: readonly Tab[]): Promise<unknown[]> => {
  const answers = Promise.all(tabs.map(({ trpc }, id) => trpc.users.byId.query({ id }).catch(reasonOf)));
  await clock.advance(30_000);
  return answers;
};

/** A BFF of an older version, whose responses do not name the person of the session. */
const withoutPerson =
  ({ browser }: World): AuthFetch =>
  async (input, init) => {
    const answer = await browser.fetch(input, init);
    answer.headers.delete('x-session-user');
    return answer;
  };

const ids = (tabs: readonly Tab[]) => tabs.map((_, id) => ({ id }));

describe.each([2, 5])('%d tabs with one expiry', (count) => {
  it.each<[string, WorldOptions]>([
    ['with messages that arrive at once', {}],
    ['with messages that arrive after the lock is released', { channelDelayMs: 2_000 }],
    ['with messages that never arrive', { channelDelayMs: 86_400_000 }],
    ['without locks', { locks: null }],
    ['with a lock that is never granted', { locks: 'never grants' }],
    ['with locks that are refused', { locks: 'rejects' }],
    ['with locks that throw', { locks: 'throws' }],
    ['with locks that never respond', { locks: 'hangs' }],
  ])('refresh exactly once: %s', async (_name, options) => {
    const world = createWorld(options);
    const tabs = await openTabs(world, count);
    for (let expiry = 1; expiry <= 3; expiry += 1) {
      expire(world);
      expect(await queryAll(world, tabs)).toEqual(ids(tabs));
      expect(world.bff.exchanges()).toBe(expiry);
    }
    for (const { onSignedOut } of tabs) expect(onSignedOut).not.toHaveBeenCalled();
    for (const { session } of tabs) session.dispose();
    // Except for messages that have not arrived yet.
    const timers = options.channelDelayMs === 86_400_000 ? 3 : 0;
    expect(world.leftovers(...tabs)).toEqual({ ...nothingLeft, timers });
  });

  it('refresh exactly once when all are visible and idle', async () => {
    const world = createWorld();
    await openTabs(world, count);
    await world.clock.advance(1_801_000);
    expect(world.bff.count('session.refresh')).toBe(3);
    expect(world.bff.exchanges()).toBe(3);
  });

  it('refresh exactly once before expiry, even if messages arrive late', async () => {
    const world = createWorld({ channelDelayMs: 7_000 });
    await openTabs(world, count);
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    await world.clock.advance(601_000);
    held.release();
    await world.clock.advance(60_000);
    expect(world.bff.exchanges()).toBe(1);
    expect(world.bff.count('session.refresh')).toBe(1);
  });
});

describe('a tab', () => {
  it('checks the session before it refreshes, since another tab may have refreshed without a message', async () => {
    const world = createWorld({ channelDelayMs: 5_000 });
    const [first, second] = await openTabs(world, 2);
    expire(world);
    // The answer to a call from before arrives after the other tab's refresh, and before its word.
    const late = hold();
    world.bff.state.intercept = async ({ request }) => {
      if (!request.url.includes('777')) return null;
      world.bff.state.intercept = null;
      const refused = await world.browser.fetch(request);
      await late.until;
      return refused;
    };
    const straggler = second?.trpc.users.byId.query({ id: 777 });
    await world.settle();
    await first?.trpc.users.byId.query({ id: 1 });
    expect(world.locks?.held()).toEqual([]);
    late.release();
    expect(await straggler).toEqual({ id: 777 });
    expect(world.bff.exchanges()).toBe(1);
    expect(world.bff.count('session.refresh')).toBe(1);
  });

  it('refreshes when session.refresh is called, although another tab has just refreshed', async () => {
    const world = createWorld();
    const [first, second] = await openTabs(world, 2);
    await first?.session.refresh();
    await second?.session.refresh();
    expect(world.bff.exchanges()).toBe(2);
  });

  it('refreshes after the refresh of another tab fails', async () => {
    const world = createWorld();
    const tabs = await openTabs(world, 3);
    expire(world);
    world.bff.state.intercept = ({ path }) => {
      if (path !== 'session.refresh') return null;
      world.bff.state.intercept = null;
      return new Response('Bad gateway', { status: 502 });
    };
    expect(await queryAll(world, tabs)).toEqual(['network', { id: 1 }, { id: 2 }]);
    expect(world.bff.exchanges()).toBe(1);
  });

  it('waits five seconds for another tab whose refresh hangs, then refreshes without the lock', async () => {
    const world = createWorld();
    const [first, second] = await openTabs(world, 2);
    expire(world);
    world.bff.state.intercept = ({ path }) => {
      if (path !== 'session.refresh') return null;
      world.bff.state.intercept = null;
      return new Promise(() => {});
    };
    const hanging = first?.trpc.users.byId.query({ id: 0 });
    await world.settle();
    const start = world.clock.now();
    let answeredAtMs = 0;
    const answer = second?.trpc.users.byId.query({ id: 1 }).then((user) => {
      answeredAtMs = world.clock.now() - start;
      return user;
    });
    await world.clock.advance(10_000);
    expect(await answer).toEqual({ id: 1 });
    expect(answeredAtMs).toBe(5_000);
    // The other's word reaches who waits for an answer that never comes.
    expect(await hanging).toEqual({ id: 0 });
    expect(world.bff.exchanges()).toBe(1);
    expect(world.locks?.held()).toEqual([]);
  });

  it('runs no listener while it holds the lock', async () => {
    const world = createWorld();
    const held: string[][] = [];
    const look = () => void held.push(world.locks?.held() ?? []);
    const { session } = await world.openSignedIn({ onSessionChange: look, onSignedOut: look });
    await session.refresh();
    await session.signOut();
    expect(held.length).toBeGreaterThanOrEqual(4);
    expect(held.flat()).toEqual([]);
  });

  it('sends no token to other tabs', async () => {
    const world = createWorld();
    const { trpc, session } = world.openTab();
    await trpc.session.login.mutate({ email: john.email, password: 'x' });
    await session.refresh();
    await session.signOut();
    expect(world.channels.told).toEqual([
      { type: 'signed_in', epoch: 1, expiresIn: 900, refreshIn: 600, user: john },
      { type: 'refreshed', epoch: 2, expiresIn: 900, refreshIn: 600, user: john },
      { type: 'signed_out' },
    ]);
  });

  it('ignores messages in an unknown format', async () => {
    const world = createWorld();
    const { session, changes } = await world.openSignedIn();
    const stranger = world.channels.open();
    const before = changes.length;
    for (const word of [
      null,
      7,
      'signed_out',
      [],
      {},
      { type: 'gone' },
      { type: 'refreshed' },
      { type: 'refreshed', epoch: Number.NaN, expiresIn: 1, refreshIn: 1, user: null },
      { type: 'refreshed', epoch: 1, expiresIn: 'soon', refreshIn: 1, user: null },
      { type: 'refreshed', epoch: 1, expiresIn: 1, refreshIn: 1, user: 'John' },
      { type: 'signed_in', epoch: 1, expiresIn: 1, refreshIn: 1, user: null },
    ]) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
      stranger.postMessage(word);
    }
    await world.settle();
    expect(changes).toHaveLength(before);
    expect(session.current).toEqual({ state: 'signed_in', user: john, expiresIn: 900 });
  });

  it('accepts a message whose epoch is far ahead of its own', async () => {
    const world = createWorld();
    const { trpc } = await world.openSignedIn();
    const other = world.channels.open();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
    other.postMessage({ type: 'refreshed', epoch: 1_000_000, expiresIn: 900, refreshIn: 600, user: null });
    await world.settle();
    expire(world);
    expect(await trpc.users.byId.query({ id: 1 })).toEqual({ id: 1 });
    expect(world.bff.exchanges()).toBe(1);
  });
});

describe('a sign-out in one tab', () => {
  it('ends the session of all tabs, with one onSignedOut call each', async () => {
    const world = createWorld();
    const tabs = await openTabs(world, 3);
    const unused = world.openTab();
    await tabs[0]?.session.signOut();
    await world.settle();
    for (const { session, onSignedOut, states } of tabs) {
      expect(session.current).toEqual({ state: 'signed_out', user: null, expiresIn: null });
      expect(onSignedOut).toHaveBeenCalledTimes(1);
      expect(states()).toEqual(['signed_in', 'signed_out']);
    }
    expect(unused.session.current.state).toBe('unknown');
    expect(unused.onSignedOut).not.toHaveBeenCalled();
    expect(world.clock.pending()).toBe(0);
  });

  it('is the same by session.logoutEverywhere', async () => {
    const world = createWorld();
    const tabs = await openTabs(world, 3);
    await tabs[0]?.trpc.session.logoutEverywhere.mutate();
    await world.settle();
    for (const { session, onSignedOut, states } of tabs) {
      expect(session.current).toEqual({ state: 'signed_out', user: null, expiresIn: null });
      expect(onSignedOut).toHaveBeenCalledTimes(1);
      expect(states()).toEqual(['signed_in', 'signed_out']);
    }
    expect(world.clock.pending()).toBe(0);
  });

  it('wins over a refresh in flight in another tab', async () => {
    const world = createWorld();
    const [first, second] = await openTabs(world, 2);
    expire(world);
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    const waiting = second?.trpc.users.byId.query({ id: 1 }).catch(reasonOf);
    await world.settle();
    expect(world.bff.exchanges()).toBe(1);
    await first?.session.signOut();
    await world.settle();
    // At once, and not when the refresh ends.
    expect(await waiting).toBe('session_ended');
    held.release();
    await world.clock.advance(60_000);
    for (const tab of [first, second]) {
      expect(tab?.session.current.state).toBe('signed_out');
      expect(tab?.onSignedOut).toHaveBeenCalledTimes(1);
    }
    expect(world.browser.jar).toEqual({ access: null, refresh: null });
    expect(world.clock.pending()).toBe(0);
  });

  it('is not undone by a late message about a refresh', async () => {
    const world = createWorld({ channelDelayMs: 1_000 });
    const [first, second] = await openTabs(world, 2);
    await first?.session.refresh();
    await second?.session.signOut();
    await world.clock.advance(5_000);
    for (const tab of [first, second]) expect(tab?.session.current.state).toBe('signed_out');
  });

  it.each<LockBehaviour>(['normal', 'never grants', 'hangs'])(
    'ends at once who waits for a lock (%s)',
    async (locks) => {
      const world = createWorld({ locks });
      const [first, second, third] = await openTabs(world, 3);
      expire(world);
      world.bff.state.exchangeHeld = new Promise(() => {});
      const waiting = [second, third].flatMap((tab) => tab?.trpc.users.byId.query({ id: 1 }).catch(reasonOf) ?? []);
      await world.settle();
      await first?.session.signOut();
      await world.settle();
      expect(await Promise.all(waiting)).toEqual(['session_ended', 'session_ended']);
      expect(world.clock.pending()).toBe(0);
      expect(world.locks?.waiting()).toBe(0);
    },
  );

  it('by a rejected refresh ends the session of all tabs, with at most one refresh each', async () => {
    const world = createWorld();
    const tabs = await openTabs(world, 5);
    if (world.browser.jar.refresh !== null) world.browser.jar.refresh.chain.isEnded = true;
    world.browser.jar.access = null;
    expect(new Set(await queryAll(world, tabs))).toEqual(new Set(['session_ended']));
    for (const { onSignedOut } of tabs) expect(onSignedOut).toHaveBeenCalledTimes(1);
    expect(world.bff.count('session.refresh')).toBeLessThanOrEqual(5);
  });
});

describe('a sign-in in one tab', () => {
  it('of another person makes every other tab changed, once', async () => {
    const world = createWorld();
    const tabs = await openTabs(world, 3);
    await tabs[0]?.trpc.session.login.mutate({ email: ethan.email, password: 'x' });
    await world.settle();
    for (const { states, session, onSignedOut } of tabs) {
      expect(states()).toEqual(['signed_in', 'changed']);
      expect(session.current).toEqual({ state: 'changed', user: ethan, expiresIn: 900 });
      expect(onSignedOut).not.toHaveBeenCalled();
    }
    await tabs[1]?.session.refresh();
    await world.settle();
    for (const { states } of tabs) expect(states()).toEqual(['signed_in', 'changed', 'signed_in']);
  });

  it('of the same person is no change', async () => {
    const world = createWorld();
    const [first, second] = await openTabs(world, 2);
    await first?.trpc.session.login.mutate({ email: john.email, password: 'x' });
    await world.settle();
    expect(second?.states()).toEqual(['signed_in', 'signed_in']);
  });

  it('is a change if the previous person is unknown', async () => {
    const world = createWorld();
    const [first] = await openTabs(world, 1);
    const unnamed = world.openTab({ fetch: withoutPerson(world) });
    await unnamed.trpc.users.byId.query({ id: 1 });
    expect(unnamed.session.current).toMatchObject({ state: 'signed_in', user: null });
    await first?.trpc.session.login.mutate({ email: john.email, password: 'x' });
    await world.settle();
    expect(unnamed.states()).toEqual(['signed_in', 'changed']);
  });

  it('starts the session in tabs that had none', async () => {
    const world = createWorld();
    const visitor = world.openTab();
    await visitor.trpc.session.me.query().catch(reasonOf);
    await world.openTab().trpc.session.login.mutate({ email: john.email, password: 'x' });
    await world.settle();
    expect(visitor.session.current).toEqual({ state: 'signed_in', user: john, expiresIn: 900 });
    expect(visitor.states()).toEqual(['signed_out', 'signed_in']);
  });

  it('without a message is announced by the first tab that detects it', async () => {
    const world = createWorld();
    const [first, second] = await openTabs(world, 2);
    // On another page of the same site, without this client.
    world.browser.signIn(ethan);
    await first?.trpc.session.me.query();
    await world.settle();
    for (const tab of [first, second]) expect(tab?.session.current).toMatchObject({ state: 'changed', user: ethan });
    await second?.trpc.session.me.query();
    await world.settle();
    expect(first?.states()).toEqual(['signed_in', 'changed']);
  });

  it('that a refresh detects is announced to all tabs', async () => {
    const world = createWorld();
    const [first, second] = await openTabs(world, 2);
    world.browser.signIn(ethan);
    await first?.session.refresh();
    await world.settle();
    for (const tab of [first, second]) expect(tab?.states()).toEqual(['signed_in', 'changed']);
  });
});

describe('withLock', () => {
  /** A lock that the test grants. `isHeld` is false again once its holder has returned. */
  const createManualLock = () => {
    const lock = { grant: () => {}, isHeld: false };
    const locks: Locks = {
      request: (_name, _options, task) =>
        new Promise((resolve, reject) => {
          lock.grant = () => {
            lock.isHeld = true;
            const held = task({});
            held.then(resolve, reject);
            void held.finally(() => {
              lock.isHeld = false;
            });
          };
        }),
    };
    return { lock, locks };
  };
  const createLockedTabs = (locks: Locks) => {
    const timers: Array<() => void> = [];
    const clock = { now: () => 0, setTimeout: (task: () => void) => timers.push(task), clearTimeout: () => {} };
    const tabs = createTabs({ name: 'lock', channel: null, locks, clock, onMessage: () => {} });
    return { tabs, timeOut: () => timers.forEach((task) => task()) };
  };
  const settle = () => new Promise((resolve) => setTimeout(resolve));

  it('releases a lock that the browser grants in the moment in which the refresh is overtaken', async () => {
    const { lock, locks } = createManualLock();
    const { tabs } = createLockedTabs(locks);
    const overtaken = new AbortController();
    const task = vi.fn<() => Promise<string>>(async () => 'refreshed');
    const result = tabs.withLock(task, { signal: overtaken.signal, probe: null });
    lock.grant();
    overtaken.abort();
    expect(await result).toBeNull();
    await settle();
    expect(task).not.toHaveBeenCalled();
    expect(lock.isHeld).toBe(false);
  });

  it('holds a lock that the browser grants after the timeout until the task ends', async () => {
    const { lock, locks } = createManualLock();
    const { tabs, timeOut } = createLockedTabs(locks);
    const task = hold();
    const result = tabs.withLock(() => task.until, { signal: new AbortController().signal, probe: null });
    timeOut();
    await settle();
    lock.grant();
    await settle();
    expect(lock.isHeld).toBe(true);
    task.release();
    await result;
    await settle();
    expect(lock.isHeld).toBe(false);
  });
});
