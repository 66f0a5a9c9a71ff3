import { afterEach, describe, expect, it, vi } from 'vitest';
import { hydrateSession } from '../../../client/src/index.ts';
import { john } from '../../support/page/fake-bff.ts';
import { createWorld } from '../../support/page/open-tabs.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The time of day on the page, of which the tests' clock says nothing. */
const nowMs = Date.UTC(2030, 0, 1);

const start = () => {
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs });
  const world = createWorld();
  return { world, tab: world.openTab() };
};

const sessionOf = (loadedAt: number) => ({
  user: john,
  systems: [],
  roles: [],
  expiresAt: new Date(loadedAt + 900_000),
  refreshAt: new Date(loadedAt + 600_000),
});

describe('hydrateSession', () => {
  it('makes a session known without a request, and schedules its refresh', async () => {
    const { world, tab } = start();
    world.browser.signIn();
    expect(hydrateSession(tab.session, sessionOf(nowMs - 100_000), nowMs - 100_000)).toBe(true);
    expect(tab.session.current).toEqual({ state: 'signed_in', user: john, expiresIn: 800 });
    await world.clock.advance(499_000);
    expect(world.bff.asked).toEqual([]);
    await world.clock.advance(2_000);
    expect(world.bff.asked.map(({ path }) => path)).toEqual(['session.refresh']);
  });

  it('takes the result of session.current too', () => {
    const { tab } = start();
    expect(hydrateSession(tab.session, { state: 'signed_in', session: sessionOf(nowMs) }, nowMs)).toBe(true);
    expect(tab.session.current).toMatchObject({ state: 'signed_in', user: john });
  });

  it('makes a visitor known, without onSignedOut', () => {
    const { tab } = start();
    expect(hydrateSession(tab.session, { state: 'signed_out' }, nowMs)).toBe(true);
    expect(tab.states()).toEqual(['signed_out']);
    expect(tab.onSignedOut).not.toHaveBeenCalled();
  });

  it('counts by the server’s clock if the clocks differ', () => {
    const { tab } = start();
    const ahead = nowMs + 3_600_000;
    expect(hydrateSession(tab.session, sessionOf(ahead), ahead)).toBe(true);
    expect(tab.session.current.expiresIn).toBe(900);
  });

  it.each([
    ['says expired', { state: 'expired' }, 0],
    // The clock of this page started 1,000 s ago; the tolerance is a minute.
    ['is older than the page', sessionOf(nowMs), 1_061_000],
    ['is null', null, 0],
    ['is a text', 'signed_in', 0],
    ['has no user', { expiresAt: new Date() }, 0],
    ['has a user without an id', { user: { type: 'staff' } }, 0],
    ['has a user of an unknown type', { user: { id: 1, type: 'robot' } }, 0],
    ['has an unknown state', { state: 'suspended', session: sessionOf(nowMs) }, 0],
    ['is a session without its content', { state: 'signed_in' }, 0],
  ])('has no effect if the result %s', (_name, loaded, ageMs) => {
    const { tab } = start();
    expect(hydrateSession(tab.session, loaded as never, nowMs - ageMs)).toBe(false);
    expect(tab.session.current.state).toBe('unknown');
    expect(tab.changes).toEqual([]);
  });

  it('makes the person known without an expiry if the dates are malformed', () => {
    const { tab } = start();
    const loaded = { ...sessionOf(nowMs), expiresAt: 'soon', refreshAt: undefined } as never;
    expect(hydrateSession(tab.session, loaded, nowMs)).toBe(true);
    expect(tab.session.current).toEqual({ state: 'signed_in', user: john, expiresIn: null });
  });

  it('changes nothing if the client knows the session', async () => {
    const { world } = start();
    const { session } = await world.openSignedIn();
    expect(hydrateSession(session, { state: 'signed_out' }, nowMs)).toBe(true);
    expect(session.current.state).toBe('signed_in');
  });

  it('has no effect after dispose', () => {
    const { world, tab } = start();
    tab.session.dispose();
    expect(hydrateSession(tab.session, sessionOf(nowMs), nowMs)).toBe(false);
    expect(world.clock.pending()).toBe(0);
  });

  it('of an object that is not a session of this package has no effect', () => {
    const { tab } = start();
    expect(hydrateSession({ ...tab.session }, sessionOf(nowMs), nowMs)).toBe(false);
  });
});
