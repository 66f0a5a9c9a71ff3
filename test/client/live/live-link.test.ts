import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAuthClient, errorAction } from '../../../client/src/index.ts';
import { liveLink } from '../../../client/src/live.ts';
import { createWorld, nothingLeft } from '../../support/page/open-tabs.ts';
import { openLiveTab } from '../../support/page/open-live-tab.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const input = { system: 'TTS', role: 'Technician' };
const event = (number: number) => ({ key: `T-${number}`, assignee: number, at: new Date(number) });

describe('a subscription', () => {
  it('opens one stream with the cookies, and delivers its events with their types', async () => {
    const { streams, subscribe, world } = await openLiveTab();
    const { data, states, counts } = subscribe();
    await world.settle();
    expect(streams.all).toHaveLength(1);
    expect(streams.last().url.pathname).toBe('/trpc/assignments.onTurn');
    expect(streams.last().input).toEqual(input);
    expect(streams.last().withCredentials).toBe(true);
    streams.last().accept();
    streams.last().send(event(1), 'e1');
    await world.settle();
    expect(data).toEqual([{ id: 'e1', data: event(1) }]);
    expect(states).toEqual(['connecting', 'pending']);
    expect(counts.started).toBe(1);
  });

  it('closes its stream when it is unsubscribed, and leaves nothing', async () => {
    const { streams, subscribeWell, world, tab } = await openLiveTab();
    const { unsubscribe, counts, errors } = await subscribeWell();
    streams.last().ping();
    unsubscribe();
    expect(streams.open()).toEqual([]);
    tab.session.dispose();
    expect(world.leftovers(tab)).toEqual({ ...nothingLeft });
    expect({ ...counts, errors }).toEqual({ started: 1, completed: 0, errors: [] });
  });

  it('opens no stream if it is unsubscribed at once, as by the StrictMode of React', async () => {
    const { streams, subscribe, world } = await openLiveTab();
    subscribe().unsubscribe();
    subscribe();
    await world.settle();
    expect(streams.all).toHaveLength(1);
  });

  it('completes when the server ends it, and when its signal aborts', async () => {
    const { streams, subscribe, subscribeWell, world } = await openLiveTab();
    const ended = await subscribeWell();
    streams.last().return();
    const controller = new AbortController();
    const aborted = subscribe(undefined, undefined, controller.signal);
    await world.settle();
    controller.abort();
    await world.clock.advance(120_000);
    for (const { counts, states } of [ended, aborted]) {
      expect(counts.completed).toBe(1);
      expect(states.at(-1)).toBe('idle');
    }
    expect(streams.all).toHaveLength(2);
    expect(streams.open()).toEqual([]);
  });

  it('completes and closes its stream when the session is disposed of', async () => {
    const { streams, subscribeWell, world, tab } = await openLiveTab({ watchSession: true });
    const { counts } = await subscribeWell();
    tab.session.dispose();
    expect(counts.completed).toBe(1);
    expect(streams.open()).toEqual([]);
    expect(world.leftovers(tab)).toEqual(nothingLeft);
  });

  it('leaves queries and mutations to the other links', async () => {
    const { tab, streams, world } = await openLiveTab();
    expect(await tab.trpc.users.byId.query({ id: 5 })).toEqual({ id: 5 });
    expect(world.bff.callCount('users.byId')).toBe(1);
    expect(streams.all).toEqual([]);
  });
});

describe('a subscription that cannot work says what is missing', () => {
  const failureOf = async (options: Parameters<typeof createAuthClient>[0]) => {
    const { trpc, session } = createAuthClient({ channel: null, ...options });
    const onError = vi.fn<(error: unknown) => void>();
    const procedures = trpc as unknown as { assignments: { onTurn: { subscribe: (...all: unknown[]) => unknown } } };
    procedures.assignments.onTurn.subscribe(input, { onError });
    await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce());
    session.dispose();
    const [error] = onError.mock.calls[0] ?? [];
    return { message: (error as Error).message, action: errorAction(error) };
  };
  const url = 'https://app.test/trpc';

  it('without liveLink', async () => {
    const { message, action } = await failureOf({ url });
    expect(message).toBe("Subscriptions need live: liveLink() of '@auth-bff/client/live'.");
    expect(action).toBe('bug');
  });

  it('on a platform without EventSource, such as Node', async () => {
    vi.stubGlobal('EventSource', undefined);
    const { message, action } = await failureOf({ url, live: liveLink() });
    expect(message).toContain('liveLink({ EventSource })');
    expect(action).toBe('bug');
  });

  it("in an app with a Bearer token, which the platform's EventSource cannot send", async () => {
    const opened = vi.fn<() => void>();
    vi.stubGlobal('EventSource', opened);
    const { message } = await failureOf({ url, live: liveLink(), headers: { Authorization: 'Bearer x' } });
    expect(message).toContain('authorization header');
    expect(opened).not.toHaveBeenCalled();
  });
});

describe('a stream that breaks', () => {
  it('resumes from the last event, after growing delays that start again once a connection has lasted', async () => {
    const { streams, subscribeWell, world } = await openLiveTab();
    const { data, states, errors } = await subscribeWell();
    streams.last().send(event(1), 'e1');
    await world.settle();
    const delays: number[] = [];
    const untilNext = async () => {
      const count = streams.all.length;
      const from = world.clock.now();
      await world.clock.advance(60_000, () => streams.all.length > count);
      delays.push(world.clock.now() - from);
    };
    for (let failure = 0; failure < 6; failure += 1) {
      streams.last().refuse();
      await untilNext();
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 7_500, 7_500, 7_500]);
    expect(states.at(-1)).toBe('connecting network');
    expect(streams.last().input).toEqual({ ...input, lastEventId: 'e1' });
    streams.last().accept();
    streams.last().send(event(2), 'e2');
    await world.clock.advance(6_000);
    expect(states.at(-1)).toBe('pending');
    streams.last().breakOff();
    await untilNext();
    expect(delays.at(-1)).toBe(1_000);
    expect(streams.last().input).toEqual({ ...input, lastEventId: 'e2' });
    expect(data).toEqual([
      { id: 'e1', data: event(1) },
      { id: 'e2', data: event(2) },
    ]);
    expect(errors).toEqual([]);
    expect(streams.open()).toHaveLength(1);
  });

  it('before its first event resumes from where it began, so that nothing in between is lost', async () => {
    const { streams, subscribeWell, world } = await openLiveTab();
    await subscribeWell();
    streams.last().beginAfter('e0');
    streams.last().breakOff();
    await world.clock.advance(60_000, () => streams.all.length > 1);
    expect(streams.last().input).toEqual({ ...input, lastEventId: 'e0' });
  });

  it('is closed before the next is opened: the browser does not reconnect by itself', async () => {
    const { streams, subscribeWell, world } = await openLiveTab();
    await subscribeWell();
    streams.last().breakOff();
    await world.settle();
    expect(streams.open()).toEqual([]);
    await world.clock.advance(1_000);
    expect(streams.open()).toHaveLength(1);
  });

  it.each([
    ['overloaded', 20],
    ['rate_limited', 9],
  ] as const)('waits as long as the BFF says: %s', async (reason, seconds) => {
    const { streams, subscribe, world } = await openLiveTab();
    const { states, errors } = subscribe();
    await world.settle();
    streams.last().reject(reason, seconds);
    await world.clock.advance(seconds * 1000 + 999);
    expect(states.at(-1)).toBe(`connecting ${reason}`);
    expect(streams.all).toHaveLength(1);
    await world.clock.advance(1);
    expect(streams.all).toHaveLength(2);
    expect(errors).toEqual([]);
  });

  it.each(['insufficient_permissions', 'invalid_input', 'no_such_procedure', 'not_supported'] as const)(
    'ends with the error if no attempt can help: %s',
    async (reason) => {
      const { streams, subscribe, world, tab } = await openLiveTab();
      const { errors } = subscribe();
      await world.settle();
      streams.last().reject(reason);
      await world.clock.advance(120_000);
      expect(errors).toEqual([reason]);
      expect(streams.all).toHaveLength(1);
      expect(streams.open()).toEqual([]);
      expect(tab.session.current.state).toBe('signed_in');
    },
  );

  it('is noticed by the heartbeats that fail to come', async () => {
    const { streams, subscribe, world } = await openLiveTab();
    const { states } = subscribe();
    await world.settle();
    streams.last().accept({ reconnectAfterInactivityMs: 20 });
    await vi.waitFor(() => expect(states.at(-1)).toBe('connecting network'));
    expect(streams.open()).toEqual([]);
    await world.clock.advance(1_000);
    expect(streams.open()).toHaveLength(1);
  });

  it('connects at once when the network is back', async () => {
    const { streams, subscribeWell, world, tab } = await openLiveTab();
    await subscribeWell();
    for (let failure = 0; failure < 6; failure += 1) {
      streams.last().refuse();
      const count = streams.all.length;
      await world.clock.advance(60_000, () => streams.all.length > count);
    }
    streams.last().refuse();
    await world.settle();
    expect(streams.open()).toEqual([]);
    tab.window.comeOnline();
    await world.settle();
    expect(streams.open()).toHaveLength(1);
    tab.window.comeOnline();
    await world.settle();
    expect(streams.open()).toHaveLength(1);
  });
});

describe('a page without a session', () => {
  it('gets the rejection of the BFF, and no onSignedOut', async () => {
    const world = createWorld();
    const { streams, subscribe, tab } = await openLiveTab({ world, isSignedIn: false });
    const { errors } = subscribe();
    await world.settle();
    streams.last().reject('no_token');
    await world.settle();
    expect(errors).toEqual(['no_token']);
    expect(tab.onSignedOut).not.toHaveBeenCalled();
  });
});
