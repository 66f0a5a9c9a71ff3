import { afterEach, describe, expect, it, vi } from 'vitest';
import { ethan } from '../../support/page/fake-bff.ts';
import { openLiveTab } from '../../support/page/open-live-tab.ts';
import { createWorld, type World } from '../../support/page/open-tabs.ts';
import { hold } from '../../support/time/hold.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const endSession = ({ browser: { jar } }: World) => {
  for (const token of [jar.access, jar.refresh]) if (token !== null) token.chain.isEnded = true;
};
const offline = () => Promise.reject(new TypeError('fetch failed'));

describe('before a connection', () => {
  it('refreshes a token that is about to expire, once for all streams and calls', async () => {
    const { world, streams, tab, subscribe } = await openLiveTab({ thresholdSeconds: 0 });
    await world.clock.advance(895_000);
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    const first = subscribe();
    const second = subscribe();
    await world.settle();
    expect(streams.all).toEqual([]);
    world.bff.state.aheadMs = 6_000;
    const call = tab.trpc.users.byId.query({ id: 1 });
    await world.settle();
    held.release();
    expect(await call).toEqual({ id: 1 });
    await world.settle();
    expect(streams.all).toHaveLength(2);
    expect(world.bff.exchanges()).toBe(1);
    expect([...first.errors, ...second.errors]).toEqual([]);
  });

  it('does not refresh a token that has time left', async () => {
    const { world, streams, subscribe } = await openLiveTab({ thresholdSeconds: 0 });
    await world.clock.advance(800_000);
    subscribe();
    await world.settle();
    expect(streams.all).toHaveLength(1);
    expect(world.bff.exchanges()).toBe(0);
  });

  it('waits with back-off while an outage prevents the refresh, and signs nobody out', async () => {
    const { world, streams, tab, subscribe } = await openLiveTab({ thresholdSeconds: 0 });
    await world.clock.advance(899_000);
    world.clock.sleep(2_000);
    world.bff.state.intercept = offline;
    const { errors, states } = subscribe();
    await world.clock.advance(60_000);
    expect(streams.all).toEqual([]);
    expect(states.at(-1)).toBe('connecting network');
    expect(world.bff.count('session.refresh')).toBeLessThanOrEqual(12);
    world.bff.state.intercept = null;
    await world.clock.advance(60_000, () => streams.all.length > 0);
    expect(streams.all).toHaveLength(1);
    expect(errors).toEqual([]);
    expect(tab.onSignedOut).not.toHaveBeenCalled();
  });

  it('asks who is signed in after a refusal without a reason, and so finds that the session has ended', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab();
    const { errors } = await subscribeWell();
    endSession(world);
    streams.last().refuse();
    await world.clock.advance(1_000);
    expect(errors).toEqual(['session_ended']);
    expect(tab.onSignedOut).toHaveBeenCalledOnce();
    await world.clock.advance(120_000);
    expect(streams.all).toHaveLength(1);
  });
});

describe('a stream whose token has expired', () => {
  it('is opened again from its last event, after one refresh for all streams', async () => {
    const { world, streams, subscribeWell } = await openLiveTab({ thresholdSeconds: 0 });
    const seen = [await subscribeWell()];
    seen.push(await subscribeWell());
    const [first, second] = streams.all;
    first?.send('one', 'e1');
    second?.send('two', 'e2');
    world.bff.state.aheadMs += 901_000;
    first?.reject('token_expired');
    second?.reject('token_expired');
    await world.settle();
    expect(world.bff.exchanges()).toBe(1);
    expect(streams.open().map(({ input }) => (input as { lastEventId: string }).lastEventId)).toEqual(['e1', 'e2']);
    expect(seen.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('needs no refresh of its own if another call has refreshed since', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab({ thresholdSeconds: 0 });
    await subscribeWell();
    await tab.session.refresh();
    streams.last().reject('token_expired');
    await world.settle();
    expect(world.bff.exchanges()).toBe(1);
    expect(streams.all).toHaveLength(2);
  });

  it('is not opened in a loop if every token is rejected', async () => {
    const { world, streams, subscribe } = await openLiveTab();
    subscribe();
    await world.settle();
    for (let second = 0; second < 60; second += 1) {
      if (streams.open().length > 0) streams.last().reject('token_expired');
      await world.clock.advance(1_000);
    }
    expect(streams.all.length).toBeLessThanOrEqual(12);
    expect(world.bff.exchanges()).toBeLessThanOrEqual(1);
  });

  it('fails if the refresh is rejected, and onSignedOut is called once', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab();
    const { errors } = await subscribeWell();
    endSession(world);
    streams.last().reject('token_expired');
    await world.settle();
    expect(errors).toEqual(['session_ended']);
    expect(tab.onSignedOut).toHaveBeenCalledOnce();
  });
});

describe('a session that ends', () => {
  it.each(['session_ended', 'account_inactive'] as const)(
    'by an error of one stream ends all of them, and onSignedOut is called once: %s',
    async (reason) => {
      const { world, streams, tab, subscribeWell } = await openLiveTab();
      const one = await subscribeWell();
      const other = await subscribeWell();
      endSession(world);
      streams.all[0]?.reject(reason);
      streams.all[1]?.reject(reason);
      await world.settle();
      expect(one.errors).toHaveLength(1);
      expect(other.errors).toHaveLength(1);
      expect(tab.onSignedOut).toHaveBeenCalledOnce();
      expect(tab.states().at(-1)).toBe('signed_out');
      await world.clock.advance(120_000);
      expect(streams.open()).toEqual([]);
      expect(streams.all).toHaveLength(2);
    },
  );

  it('in another tab closes the streams of this one', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab();
    const { errors } = await subscribeWell();
    const other = await world.openSignedIn();
    await other.session.signOut();
    await world.settle();
    expect(errors).toEqual(['session_ended']);
    expect(streams.open()).toEqual([]);
    expect(tab.onSignedOut).toHaveBeenCalledOnce();
  });

  it('and is followed by a new one, on another origin, leaves this tab signed in', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab({ channelDelayMs: 1e9 });
    const { errors } = await subscribeWell();
    endSession(world);
    world.browser.signIn();
    streams.last().reject('session_ended');
    await world.clock.advance(1_000);
    expect(tab.session.current.state).toBe('signed_in');
    expect(tab.onSignedOut).not.toHaveBeenCalled();
    expect(errors).toEqual([]);
    expect(streams.open()).toHaveLength(1);
  });
});

describe('session.onEnd', () => {
  it.each(['session_ended', 'account_inactive'] as const)(
    'delivers its event and completes, and the session has ended: %s',
    async (reason) => {
      const { world, streams, tab, subscribeWell } = await openLiveTab();
      const { data, errors, counts } = await subscribeWell('session.onEnd');
      const turns = await subscribeWell();
      endSession(world);
      streams.all[0]?.send({ reason });
      streams.all[0]?.return();
      await world.settle();
      expect(data).toEqual([{ reason }]);
      expect(errors).toEqual([]);
      expect(counts.completed).toBe(1);
      expect(turns.errors).toEqual(['session_ended']);
      expect(tab.onSignedOut).toHaveBeenCalledOnce();
      expect(streams.open()).toEqual([]);
    },
  );

  describe('with watchSession', () => {
    it('is subscribed to while somebody is signed in, and its end shows without a call of the page', async () => {
      const { world, streams, tab } = await openLiveTab({ watchSession: true });
      expect(streams.open().map(({ url }) => url.pathname)).toEqual(['/trpc/session.onEnd']);
      streams.last().accept();
      endSession(world);
      streams.last().send({ reason: 'session_ended' });
      await world.settle();
      expect(tab.states()).toEqual(['signed_in', 'signed_out']);
      expect(tab.onSignedOut).toHaveBeenCalledOnce();
      expect(streams.open()).toEqual([]);
      world.browser.signIn(ethan);
      await tab.trpc.session.me.query();
      await world.settle();
      expect(streams.open()).toHaveLength(1);
    });

    it('is not subscribed to by a visitor, nor without the option', async () => {
      const visitor = await openLiveTab({ watchSession: true, isSignedIn: false });
      await visitor.tab.session.load();
      await visitor.world.settle();
      expect(visitor.streams.all).toEqual([]);
      const person = await openLiveTab();
      expect(person.streams.all).toEqual([]);
    });

    it('is left alone if the BFF does not have it', async () => {
      const { world, streams, tab } = await openLiveTab({ watchSession: true });
      streams.last().reject('no_such_procedure');
      await world.clock.advance(600_000);
      expect(streams.all).toHaveLength(1);
      expect(tab.session.current.state).toBe('signed_in');
    });
  });
});

describe('another person who signs in', () => {
  it('gets a stream of their own: no event of the old one arrives, and it starts from now', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab();
    const { data, errors } = await subscribeWell();
    const johns = streams.last();
    johns.send('of John', 'e1');
    await world.settle();
    world.browser.signIn(ethan);
    // In flight while the response names the other person.
    const call = tab.trpc.users.byId.query({ id: 1 });
    await call;
    johns.send('of John, too late', 'e2');
    await world.settle();
    expect(tab.session.current).toMatchObject({ state: 'changed', user: { id: ethan.id } });
    expect(johns.isOpen).toBe(false);
    expect(streams.open()).toHaveLength(1);
    expect(streams.last().input).toEqual({ system: 'TTS', role: 'Technician' });
    streams.last().accept();
    streams.last().send('of Ethan', 'e3');
    await world.settle();
    expect(data).toEqual([
      { id: 'e1', data: 'of John' },
      { id: 'e3', data: 'of Ethan' },
    ]);
    expect(errors).toEqual([]);
  });

  it('in another tab is noticed by a page that has not yet learnt who its own person is', async () => {
    const world = createWorld();
    world.browser.signIn();
    const { streams, subscribe } = await openLiveTab({ world, isSignedIn: false });
    subscribe();
    await world.settle();
    const johns = streams.last();
    johns.accept();
    const other = world.openTab();
    await other.trpc.session.login.mutate({ email: ethan.email, password: '' });
    await world.settle();
    expect(johns.isOpen).toBe(false);
    expect(streams.open()).toHaveLength(1);
  });

  it('is not assumed when a first response names the person of the stream', async () => {
    const world = createWorld();
    world.browser.signIn();
    const { streams, subscribe, tab } = await openLiveTab({ world, isSignedIn: false });
    subscribe();
    await world.settle();
    streams.last().accept();
    await tab.trpc.session.me.query();
    await world.settle();
    expect(streams.all).toHaveLength(1);
    expect(streams.open()).toHaveLength(1);
  });
});
