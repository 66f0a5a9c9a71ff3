import { afterEach, describe, expect, it, vi } from 'vitest';
import { ethan } from '../../support/page/fake-bff.ts';
import { openLiveTab } from '../../support/page/open-live-tab.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const lastEventIdOf = ({ input }: { input: unknown }) => (input as { lastEventId?: string }).lastEventId;

describe('a hidden tab', () => {
  it('closes its streams after 30 s, and resumes them from the last event when it is shown', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab();
    const { data, errors, counts } = await subscribeWell();
    streams.last().send('one', 'e1');
    tab.window.hide();
    await world.clock.advance(29_999);
    expect(streams.open()).toHaveLength(1);
    await world.clock.advance(1);
    expect(streams.open()).toEqual([]);
    await world.clock.advance(600_000);
    expect(streams.all).toHaveLength(1);
    tab.window.show();
    await world.settle();
    expect(streams.open().map(lastEventIdOf)).toEqual(['e1']);
    streams.last().accept();
    streams.last().send('two', 'e2');
    await world.settle();
    expect(data).toHaveLength(2);
    expect({ errors, completed: counts.completed }).toEqual({ errors: [], completed: 0 });
  });

  it('that is shown in time keeps its streams', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab();
    await subscribeWell();
    for (let round = 0; round < 3; round += 1) {
      tab.window.hide();
      await world.clock.advance(29_000);
      tab.window.show();
    }
    await world.clock.advance(120_000);
    expect(streams.all).toHaveLength(1);
    expect(streams.open()).toHaveLength(1);
  });

  it('opens no stream for a new subscription, for a broken one or for a refresh, until it is shown', async () => {
    const { world, streams, tab, subscribe, subscribeWell } = await openLiveTab();
    await subscribeWell();
    streams.last().refuse();
    await world.settle();
    tab.window.hide();
    await world.clock.advance(30_000);
    const count = streams.all.length;
    subscribe();
    await tab.session.refresh();
    tab.window.comeOnline();
    await world.clock.advance(300_000);
    expect(streams.all).toHaveLength(count);
    expect(streams.open()).toEqual([]);
    tab.window.show();
    await world.settle();
    expect(streams.open()).toHaveLength(2);
  });

  it.each([
    [5_000, 5_000],
    [0, 0],
  ])('closes its streams after closeWhenHiddenMs: %d', async (closeWhenHiddenMs, ms) => {
    const { world, streams, tab, subscribeWell } = await openLiveTab({ closeWhenHiddenMs });
    await subscribeWell();
    tab.window.hide();
    await world.clock.advance(ms);
    expect(streams.open()).toEqual([]);
  });

  it('keeps its streams with closeWhenHiddenMs: false', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab({ closeWhenHiddenMs: false });
    await subscribeWell();
    tab.window.hide();
    await world.clock.advance(600_000);
    expect(streams.open()).toHaveLength(1);
    expect(streams.all).toHaveLength(1);
  });

  it('whose session ended meanwhile fails its subscriptions when it is shown, without a stream', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab();
    const { errors } = await subscribeWell();
    tab.window.hide();
    await world.clock.advance(30_000);
    for (const token of [world.browser.jar.access, world.browser.jar.refresh]) if (token) token.chain.isEnded = true;
    tab.window.show();
    await world.settle();
    expect(errors).toEqual(['session_ended']);
    expect(tab.onSignedOut).toHaveBeenCalledOnce();
    expect(streams.all).toHaveLength(1);
  });

  it('whose cookies are of another person now opens a stream of that person, from now on', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab();
    await subscribeWell();
    streams.last().send('of John', 'e1');
    tab.window.hide();
    await world.clock.advance(30_000);
    world.browser.signIn(ethan);
    tab.window.show();
    await world.settle();
    expect(tab.session.current.user?.id).toBe(ethan.id);
    expect(streams.open().map(lastEventIdOf)).toEqual([undefined]);
  });
});

describe('a page that is left', () => {
  it('closes its streams at once, and resumes them when the back/forward cache restores it', async () => {
    const { world, streams, tab, subscribeWell } = await openLiveTab();
    const { errors } = await subscribeWell();
    streams.last().send('one', 'e1');
    await world.settle();
    tab.window.pageHide();
    expect(streams.open()).toEqual([]);
    tab.window.hide();
    await world.clock.advance(600_000);
    expect(streams.all).toHaveLength(1);
    tab.window.show();
    tab.window.pageShow({ persisted: true });
    await world.settle();
    expect(streams.open().map(lastEventIdOf)).toEqual(['e1']);
    expect(world.bff.count('session.current')).toBe(1);
    expect(errors).toEqual([]);
  });

  it('leaves no timer and no listener behind after dispose', async () => {
    const { world, tab, subscribeWell } = await openLiveTab();
    await subscribeWell();
    tab.window.hide();
    tab.session.dispose();
    expect(world.leftovers(tab)).toMatchObject({ timers: 0, windowListeners: 0 });
  });
});
