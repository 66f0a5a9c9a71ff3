import { afterEach, describe, expect, it, vi } from 'vitest';
import { isAuthError, reasonOf } from '../../../client/src/index.ts';
import { ethan, john } from '../../support/page/fake-bff.ts';
import { createWorld, nothingLeft, type World } from '../../support/page/open-tabs.ts';
import { hold } from '../../support/time/hold.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** The tokens expire, without the client's own count of it: its calls find out. */
const expire = ({ bff }: World) => {
  bff.state.aheadMs += 901_000;
};

/** Uncaught errors that callbacks of the application throw. */
const catchUncaught = () => {
  const uncaught: unknown[] = [];
  vi.stubGlobal('queueMicrotask', (task: () => void) => {
    Promise.resolve()
      .then(task)
      .catch((error: unknown) => uncaught.push(error));
  });
  return uncaught;
};

describe('the session', () => {
  it('is unknown until the first response, and an unchanged snapshot is the same object', async () => {
    const { openSignedIn, openTab, clock } = createWorld();
    expect(openTab().session.current).toEqual({ state: 'unknown', user: null, expiresIn: null });
    const { session } = await openSignedIn();
    expect(session.current).toEqual({ state: 'signed_in', user: john, expiresIn: 900 });
    expect(session.current).toBe(session.current);
    clock.sleep(10_000);
    expect(session.current.expiresIn).toBe(890);
    clock.sleep(10_000_000);
    expect(session.current.expiresIn).toBe(0);
  });

  it('notifies listeners in the order of the events', async () => {
    const { openTab } = createWorld();
    const { trpc, session, changes, onSignedOut } = openTab();
    await trpc.session.login.mutate({ email: john.email, password: 'x' });
    await session.refresh();
    await session.signOut();
    expect(changes).toEqual([
      { state: 'signed_in', user: john, expiresIn: 900 },
      { state: 'signed_in', user: john, expiresIn: 900 },
      { state: 'signed_out', user: null, expiresIn: null },
    ]);
    expect(onSignedOut).toHaveBeenCalledTimes(1);
  });

  it('is changed once when another person signs in, and signed_in after the next refresh', async () => {
    const { openSignedIn } = createWorld();
    const { trpc, session, states } = await openSignedIn();
    await trpc.session.login.mutate({ email: ethan.email, password: 'x' });
    expect(session.current).toMatchObject({ state: 'changed', user: ethan });
    await session.refresh();
    await trpc.session.me.query();
    await session.refresh();
    expect(states()).toEqual(['signed_in', 'changed', 'signed_in', 'signed_in']);
  });

  it('is changed when a refresh returns another person', async () => {
    const { openSignedIn, browser } = createWorld();
    const { session } = await openSignedIn();
    browser.signIn(ethan);
    await session.refresh();
    expect(session.current).toMatchObject({ state: 'changed', user: ethan });
  });

  it('ends when a call fails with session_ended, with one notification', async () => {
    const { openSignedIn, browser } = createWorld();
    const { trpc, onSignedOut, states } = await openSignedIn();
    if (browser.jar.access !== null) browser.jar.access.chain.isEnded = true;
    const calls = Array.from({ length: 5 }, () => trpc.session.me.query().catch(reasonOf));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['session_ended']));
    await trpc.session.me.query().catch(reasonOf);
    expect(onSignedOut).toHaveBeenCalledTimes(1);
    expect(states().filter((state) => state === 'signed_out')).toHaveLength(1);
  });

  it('never calls onSignedOut for a visitor without a session', async () => {
    const { openTab } = createWorld();
    const { trpc, session, onSignedOut, states } = openTab();
    expect(await trpc.session.me.query().catch(reasonOf)).toBe('no_token');
    expect(await session.refresh().catch(reasonOf)).toBe('session_ended');
    await session.signOut();
    expect((await session.fetch('https://app.test/trpc/users.byId')).status).toBe(401);
    expect(onSignedOut).not.toHaveBeenCalled();
    expect(states()).toEqual(['signed_out']);
  });

  it('does not notify listeners that have unsubscribed', async () => {
    const { openSignedIn } = createWorld();
    const { session } = await openSignedIn();
    const listener = vi.fn<() => void>();
    const [stop, stopAgain] = [session.subscribe(listener), session.subscribe(listener)];
    stop();
    await session.refresh();
    expect(listener).toHaveBeenCalledTimes(1);
    stopAgain();
    await session.refresh();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('notifies all listeners even if one throws or subscribes another', async () => {
    const { openSignedIn, browser } = createWorld();
    const uncaught = catchUncaught();
    const onSignedOut = vi.fn<() => void>(() => {
      throw new Error('no such page');
    });
    const { trpc, session } = await openSignedIn({ onSignedOut });
    const after = vi.fn<() => void>();
    session.subscribe(() => {
      throw new Error('no such view');
    });
    session.subscribe(() => void session.subscribe(() => {}));
    session.subscribe(after);
    if (browser.jar.access !== null) browser.jar.access.chain.isEnded = true;
    expect(await trpc.session.me.query().catch(reasonOf)).toBe('session_ended');
    expect(after).toHaveBeenCalledTimes(1);
    expect(onSignedOut).toHaveBeenCalledTimes(1);
    await Promise.resolve();
    expect(uncaught).toEqual([new Error('no such view'), new Error('no such page')]);
  });
});

describe('a refresh', () => {
  it('is shared by calls, session.refresh and session.fetch', async () => {
    const world = createWorld();
    const { trpc, session } = await world.openSignedIn();
    expire(world);
    await Promise.all([
      ...Array.from({ length: 50 }, (_, id) => trpc.users.byId.query({ id })),
      trpc.session.me.query(),
      session.refresh(),
      session.refresh(),
      session.fetch('https://app.test/trpc/session.me'),
    ]);
    expect(world.bff.exchanges()).toBe(1);
    expect(world.bff.count('session.refresh')).toBe(1);
  });

  it('is not repeated for a late 401 of an earlier epoch', async () => {
    const world = createWorld();
    const { trpc } = await world.openSignedIn();
    expire(world);
    const slow = hold();
    world.bff.state.intercept = async ({ calls, request }) => {
      if (!calls.includes('users.byId') || !request.url.includes('777')) return null;
      world.bff.state.intercept = null;
      // The refusal is decided now, and arrives later.
      const refused = await world.browser.fetch(request);
      await slow.until;
      return refused;
    };
    const straggler = trpc.users.byId.query({ id: 777 });
    await world.settle();
    await trpc.session.me.query();
    expect(world.bff.exchanges()).toBe(1);
    slow.release();
    expect(await straggler).toEqual({ id: 777 });
    expect(world.bff.count('session.refresh')).toBe(1);
  });

  it('makes a late 401 wait for the refresh in flight, and repeats its call even if that refresh fails', async () => {
    const world = createWorld();
    const { trpc, session } = await world.openSignedIn();
    expire(world);
    const slow = hold();
    const refreshHeld = hold();
    world.bff.state.intercept = async ({ request, path }) => {
      if (path === 'session.refresh' && world.bff.exchanges() > 0) {
        await refreshHeld.until;
        return new Response('Bad gateway', { status: 502 });
      }
      if (!request.url.includes('777') || world.bff.exchanges() > 0) return null;
      const refused = await world.browser.fetch(new Request(request.url.replace('777', '778'), request));
      await slow.until;
      return refused;
    };
    const straggler = trpc.users.byId.query({ id: 777 });
    await world.settle();
    await trpc.session.me.query();
    const second = session.refresh().catch(reasonOf);
    slow.release();
    await world.settle();
    const before = world.bff.callCount('users.byId');
    refreshHeld.release();
    expect(await second).toBe('network');
    expect(await straggler).toEqual({ id: 777 });
    expect(world.bff.callCount('users.byId') - before).toBe(1);
  });

  it('counts as done when the BFF answers refresh_superseded', async () => {
    const world = createWorld();
    const { trpc, session, onSignedOut } = await world.openSignedIn();
    const old = { ...world.browser.jar };
    await session.refresh();
    expire(world);
    world.browser.signIn();
    const newest = { ...world.browser.jar };
    // A straggler brought the old cookies back, and the newest ones arrive just after our question has left.
    Object.assign(world.browser.jar, old);
    world.bff.state.intercept = ({ path }) => {
      if (path === 'session.refresh') setImmediate(() => Object.assign(world.browser.jar, newest));
      return null;
    };
    expect(await trpc.users.byId.query({ id: 1 })).toEqual({ id: 1 });
    expect(onSignedOut).not.toHaveBeenCalled();
    expect(world.bff.count('session.refresh')).toBe(2);
    expect(world.bff.exchanges()).toBe(1);
  });

  it('fails all waiting calls with session_ended and calls onSignedOut once when the BFF rejects it', async () => {
    const world = createWorld();
    const { trpc, session, onSignedOut } = await world.openSignedIn();
    expire(world);
    if (world.browser.jar.refresh !== null) world.browser.jar.refresh.chain.isEnded = true;
    world.browser.jar.access = null;
    const calls = [...Array.from({ length: 30 }, (_, id) => trpc.users.byId.query({ id })), session.refresh()];
    const reasons = await Promise.all(calls.map((call) => call.catch(reasonOf)));
    expect(new Set(reasons)).toEqual(new Set(['session_ended']));
    expect(onSignedOut).toHaveBeenCalledTimes(1);
    expect(world.bff.count('session.refresh')).toBe(1);
  });

  it('calls onSignedOut when it is rejected after the first call found the token expired', async () => {
    const world = createWorld();
    world.browser.signIn();
    expire(world);
    if (world.browser.jar.refresh !== null) world.browser.jar.refresh.chain.isEnded = true;
    world.browser.jar.access = null;
    const { trpc, onSignedOut } = world.openTab();
    expect(await trpc.session.me.query().catch(reasonOf)).toBe('session_ended');
    expect(onSignedOut).toHaveBeenCalledTimes(1);
  });

  it('counts when the frontend calls session.refresh as a procedure', async () => {
    const world = createWorld();
    const { trpc, session, onSignedOut } = world.openTab();
    world.browser.signIn();
    await trpc.session.refresh.mutate();
    expect(session.current).toEqual({ state: 'signed_in', user: john, expiresIn: 900 });
    if (world.browser.jar.refresh !== null) world.browser.jar.refresh.chain.isEnded = true;
    expect(await trpc.session.refresh.mutate().catch(isAuthError)).toBe(true);
    expect(onSignedOut).toHaveBeenCalledTimes(1);
    expect(world.bff.count('session.refresh')).toBe(2);
  });

  it('does not revive a session that was signed out while it was in flight', async () => {
    const world = createWorld();
    const { trpc, session, onSignedOut, states } = await world.openSignedIn();
    expire(world);
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    const waiting = [trpc.users.byId.query({ id: 1 }), session.refresh()].map((call) => call.catch(reasonOf));
    await world.settle();
    expect(world.bff.count('session.refresh')).toBe(1);
    await session.signOut();
    // At once, and not when the refresh ends.
    expect(await Promise.all(waiting)).toEqual(['session_ended', 'session_ended']);
    held.release();
    await world.settle();
    expect(session.current.state).toBe('signed_out');
    expect(states()).toEqual(['signed_in', 'signed_out']);
    expect(onSignedOut).toHaveBeenCalledTimes(1);
    expect(world.browser.jar).toEqual({ access: null, refresh: null });
    expect(world.clock.pending()).toBe(0);
  });

  it('does not replace the cookies of a person who signed in while it was in flight', async () => {
    const world = createWorld();
    const { trpc, session } = await world.openSignedIn();
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    const refreshing = session.refresh();
    await world.settle();
    await trpc.session.login.mutate({ email: ethan.email, password: 'x' });
    held.release();
    await refreshing;
    await world.settle();
    expect(world.browser.jar.access?.chain.person).toBe(ethan);
    expect((await trpc.session.me.query()).user).toEqual(ethan);
    expect(session.current.user).toEqual(ethan);
  });

  it('times out when headers or fetch never settle', async () => {
    const world = createWorld();
    const hanging = world.openTab({ headers: () => new Promise(() => {}) });
    const refused = hanging.session.refresh().catch(reasonOf);
    await world.clock.advance(10_000);
    expect(await refused).toBe('network');
    const deaf = world.openTab({ fetch: () => new Promise(() => {}) });
    const failed = deaf.session.refresh().catch(reasonOf);
    await world.clock.advance(10_000);
    expect(await failed).toBe('network');
    expect(world.clock.pending()).toBe(0);
  });

  it('rejects with the error that the headers function throws', async () => {
    const world = createWorld();
    const headers = () => {
      throw new Error('no such header');
    };
    await expect(world.openTab({ headers }).session.refresh()).rejects.toThrow('no such header');
  });
});

const json = (body: unknown, init?: ResponseInit) =>
  new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' }, ...init });
const refusalOf = (reason: string, code = 'UNAUTHORIZED') => ({
  error: { json: { message: reason, code: -32_001, data: { code, httpStatus: 401, reason } } },
});

describe.each<[name: string, answer: () => Response | Promise<Response>, reason: string]>([
  ['is HTML', () => new Response('<html>Sign in at the hotel</html>'), 'network'],
  ['is nothing', () => new Response(''), 'network'],
  ['is null', () => json(null), 'network'],
  ['is an empty object', () => json({}), 'network'],
  ['is a session of nobody', () => json({ result: { data: { json: {} } } }), 'network'],
  ['is a session of null', () => json({ result: { data: { json: null } } }), 'network'],
  ['is an error of another server', () => json({ error: 'Unauthorized' }, { status: 401 }), 'network'],
  ['is a 500 without a body', () => new Response(null, { status: 500 }), 'network'],
  ['is a 429', () => json(refusalOf('rate_limited', 'TOO_MANY_REQUESTS'), { status: 429 }), 'rate_limited'],
  ['is a 503', () => json(refusalOf('overloaded', 'SERVICE_UNAVAILABLE'), { status: 503 }), 'overloaded'],
  ['is a 403', () => json(refusalOf('csrf', 'FORBIDDEN'), { status: 403 }), 'csrf'],
  ['never comes', () => new Promise(() => {}), 'network'],
  ['is a lost connection', () => Promise.reject(new TypeError('Failed to fetch')), 'network'],
])('a session whose refresh %s', (_name, answer, reason) => {
  it('continues, with few requests', async () => {
    const world = createWorld();
    const { trpc, onSignedOut, session } = await world.openSignedIn();
    expire(world);
    world.bff.state.intercept = ({ path }) => (path === 'session.refresh' ? answer() : null);
    const before = world.bff.asked.length;
    const calls = Array.from({ length: 10 }, (_, id) => trpc.users.byId.query({ id }).catch(reasonOf));
    await world.clock.advance(11_000);
    expect(new Set(await Promise.all(calls))).toEqual(new Set([reason]));
    expect(onSignedOut).not.toHaveBeenCalled();
    expect(session.current.state).toBe('signed_in');
    // One batch, one look, and a refresh or two: one for the calls, and one ahead of time after a cool-down.
    expect(world.bff.asked.length - before).toBeLessThanOrEqual(5);
    // Ten minutes of a visible idle tab: at most twice a minute, after the backoff has grown.
    await world.clock.advance(600_000);
    expect(world.bff.count('session.refresh')).toBeGreaterThan(8);
    expect(world.bff.count('session.refresh')).toBeLessThanOrEqual(25);

    world.bff.state.intercept = null;
    expect(await trpc.users.byId.query({ id: 1 })).toEqual({ id: 1 });
    expect(session.current.state).toBe('signed_in');
  });
});

describe('no loop', () => {
  it.each([
    ['each call', () => true],
    ['all but a refresh', (path: string) => path !== 'session.refresh'],
  ])('where the server answers token_expired to %s', async (_name, isRefused) => {
    const world = createWorld();
    const { trpc, session } = await world.openSignedIn();
    const before = world.bff.asked.length;
    world.bff.state.intercept = ({ calls, path }) => {
      if (!isRefused(path)) return null;
      const one = refusalOf('token_expired');
      return json(path.startsWith('session.') && path !== 'session.me' ? one : calls.map(() => one), { status: 401 });
    };
    const calls = Array.from({ length: 10 }, (_, id) => trpc.users.byId.query({ id }).catch(reasonOf));
    await Promise.all(calls);
    await session.fetch('https://app.test/trpc/session.me').catch(reasonOf);
    // Two refusals with a look and a refresh between them, and as much again for the fetch.
    expect(world.bff.asked.length - before).toBeLessThanOrEqual(8);
  });

  it('when the BFF states for each token that it is due at once', async () => {
    const world = createWorld({ lifetimeSeconds: 900, thresholdSeconds: 900 });
    const { trpc } = await world.openSignedIn();
    world.bff.state.lifetimeSeconds = 0;
    for (let minute = 0; minute < 60; minute += 1) {
      await trpc.status.get.query().catch(reasonOf);
      await world.clock.advance(60_000);
    }
    expect(world.bff.exchanges()).toBeLessThanOrEqual(65);
  });
});

describe('dispose', () => {
  it('removes all timers, listeners and channels', async () => {
    const world = createWorld();
    const tab = await world.openSignedIn();
    expect(world.leftovers(tab)).toMatchObject({ timers: 1, channels: 1, channelListeners: 1, windowListeners: 4 });
    tab.session.dispose();
    expect(world.leftovers(tab)).toEqual(nothingLeft);
    tab.session.dispose();
    expect(world.leftovers(tab)).toEqual(nothingLeft);
  });

  it('during a refresh leaves nothing after it and sends no message', async () => {
    const world = createWorld();
    const tab = await world.openSignedIn();
    const other = world.openTab();
    expire(world);
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    const waiting = tab.trpc.users.byId.query({ id: 1 });
    await world.settle();
    const before = tab.changes.length;
    tab.session.dispose();
    other.session.dispose();
    held.release();
    expect(await waiting).toEqual({ id: 1 });
    await world.settle();
    expect(world.leftovers(tab, other)).toEqual(nothingLeft);
    expect(tab.changes).toHaveLength(before);
    expect(world.channels.told).toEqual([]);
  });

  it('leaves a client that can still make calls, without timers, messages and listeners', async () => {
    const world = createWorld();
    const tab = await world.openSignedIn();
    tab.session.dispose();
    expire(world);
    expect(await tab.trpc.users.byId.query({ id: 1 })).toEqual({ id: 1 });
    await tab.trpc.session.login.mutate({ email: ethan.email, password: 'x' });
    await tab.session.signOut();
    expect(world.leftovers(tab)).toEqual(nothingLeft);
    expect(tab.onSignedOut).not.toHaveBeenCalled();
    expect(world.channels.told).toEqual([]);
  });
});
