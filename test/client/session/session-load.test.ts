import { afterEach, describe, expect, it, vi } from 'vitest';
import { ethan, john } from '../../support/page/fake-bff.ts';
import { createWorld } from '../../support/page/open-tabs.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('session.load', () => {
  it('finds out who is signed in, by one request for all who ask', async () => {
    const world = createWorld();
    world.browser.signIn();
    const { session } = world.openTab();
    const found = await Promise.all([session.load(), session.load()]);
    for (const snapshot of found) expect(snapshot).toEqual({ state: 'signed_in', user: john, expiresIn: 900 });
    expect(world.bff.asked.map(({ path }) => path)).toEqual(['session.current']);
  });

  it('finds nobody where nobody is signed in, and takes no session from a visitor', async () => {
    const world = createWorld();
    const { session, onSignedOut, states } = world.openTab();
    expect(await session.load()).toEqual({ state: 'signed_out', user: null, expiresIn: null });
    expect(states()).toEqual(['signed_out']);
    expect(onSignedOut).not.toHaveBeenCalled();
  });

  it('refreshes where the token has expired', async () => {
    const world = createWorld();
    world.browser.signIn();
    world.bff.state.aheadMs = 901_000;
    const { session } = world.openTab();
    expect(await session.load()).toEqual({ state: 'signed_in', user: john, expiresIn: 900 });
    expect(world.bff.asked.map(({ path }) => path)).toEqual(['session.current', 'session.refresh']);
  });

  it('ends a session that has expired where its refresh is refused', async () => {
    const world = createWorld({ refusesAfterExpiry: true });
    world.browser.signIn();
    world.bff.state.aheadMs = 901_000;
    const { session, onSignedOut } = world.openTab();
    expect((await session.load()).state).toBe('signed_out');
    expect(onSignedOut).toHaveBeenCalledTimes(1);
  });

  it('knows no more than before where the BFF cannot be reached', async () => {
    const world = createWorld();
    world.browser.signIn();
    const { session } = world.openTab();
    world.bff.state.intercept = () => Promise.reject(new TypeError('Failed to fetch'));
    expect((await session.load()).state).toBe('unknown');
    world.bff.state.intercept = null;
    expect((await session.load()).state).toBe('signed_in');
  });

  it('finds out that another person is signed in, and does not hold up the calls beside it', async () => {
    const world = createWorld();
    const { session, trpc, states } = await world.openSignedIn();
    world.browser.signIn(ethan);
    world.bff.state.intercept = ({ path }) => (path === 'session.current' ? new Promise(() => {}) : null);
    const load = session.load();
    await trpc.status.get.query();
    expect(states()).toEqual(['signed_in']);
    await world.clock.advance(10_000);
    await load;
    world.bff.state.intercept = null;
    expect(await session.load()).toMatchObject({ state: 'changed', user: ethan });
  });
});
