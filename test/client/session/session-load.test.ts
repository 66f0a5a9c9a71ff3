import { afterEach, describe, expect, it, vi } from 'vitest';
import { ethan, john } from '../../support/page/fake-bff.ts';
import { createWorld } from '../../support/page/open-tabs.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('session.load', () => {
  it('resolves with the person, with one request for parallel calls', async () => {
    const world = createWorld();
    world.browser.signIn();
    const { session } = world.openTab();
    const found = await Promise.all([session.load(), session.load()]);
    for (const snapshot of found) expect(snapshot).toEqual({ state: 'signed_in', user: john, expiresIn: 900 });
    expect(world.bff.asked.map(({ path }) => path)).toEqual(['session.current']);
  });

  it('resolves with signed_out for a visitor, without onSignedOut', async () => {
    const world = createWorld();
    const { session, onSignedOut, states } = world.openTab();
    expect(await session.load()).toEqual({ state: 'signed_out', user: null, expiresIn: null });
    expect(states()).toEqual(['signed_out']);
    expect(onSignedOut).not.toHaveBeenCalled();
  });

  it('refreshes an expired token', async () => {
    const world = createWorld();
    world.browser.signIn();
    world.bff.state.aheadMs = 901_000;
    const { session } = world.openTab();
    expect(await session.load()).toEqual({ state: 'signed_in', user: john, expiresIn: 900 });
    expect(world.bff.asked.map(({ path }) => path)).toEqual(['session.current', 'session.refresh']);
  });

  it('ends an expired session if its refresh is rejected', async () => {
    const world = createWorld({ refusesAfterExpiry: true });
    world.browser.signIn();
    world.bff.state.aheadMs = 901_000;
    const { session, onSignedOut } = world.openTab();
    expect((await session.load()).state).toBe('signed_out');
    expect(onSignedOut).toHaveBeenCalledTimes(1);
  });

  it('keeps its snapshot if the BFF is unreachable', async () => {
    const world = createWorld();
    world.browser.signIn();
    const { session } = world.openTab();
    world.bff.state.intercept = () => Promise.reject(new TypeError('Failed to fetch'));
    expect((await session.load()).state).toBe('unknown');
    world.bff.state.intercept = null;
    expect((await session.load()).state).toBe('signed_in');
  });

  it('detects another person, and does not delay parallel calls', async () => {
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
