import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAuthClient, reasonOf, type RouterOutputs } from '../../../client/src/index.ts';
import { liveLink } from '../../../client/src/live.ts';
import type { Browser } from '../../support/app/browser.ts';
import { createClock, startApp, type StartAppOptions, type TestApp } from '../../support/app/start-app.ts';
import { holdEndpoint } from '../../support/auth-service/hold-endpoint.ts';
import { createEventSource } from '../../support/page/fake-event-source.ts';

const rotation = { system: 'TTS', role: 'Technician' };
const johns = { email: 'user@example.com', password: 'staff-pass-1' };

const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options });
  return Object.assign(app, { clock });
};

const clients: Array<{ session: { dispose: () => void } }> = [];
afterEach(() => {
  for (const { session } of clients.splice(0)) session.dispose();
});

/** A client with the cookies of this browser, and the streams of a platform without an EventSource of its own. */
const openClient = (app: TestApp, browser: Browser, watchSession = false) => {
  const onSignedOut = vi.fn<() => void>();
  const opened: string[] = [];
  const EventSource = createEventSource((input, init) => {
    opened.push(input instanceof Request ? input.url : input.toString());
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), cookie } });
  });
  const client = createAuthClient({
    url: `${app.url}/trpc`,
    fetch: browser.fetch,
    live: liveLink({ EventSource, watchSession }),
    onSignedOut,
    channel: null,
    random: () => 0,
  });
  clients.push(client);
  return { ...client, onSignedOut, opened };
};

type Client = ReturnType<typeof openClient>;

const follow = ({ trpc }: Client) => {
  const keys: unknown[] = [];
  const reasons: unknown[] = [];
  const states: string[] = [];
  const subscription = trpc.assignments.onTurn.subscribe(rotation, {
    onData: ({ data }) => void keys.push(data.key),
    onError: (error) => void reasons.push(reasonOf(error)),
    onConnectionStateChange: ({ state }) => void states.push(state),
  });
  return {
    ...subscription,
    keys,
    reasons,
    states,
    isOpen: () => vi.waitFor(() => expect(states.at(-1)).toBe('pending')),
  };
};

describe('assignments.onTurn at a real BFF', () => {
  it('delivers the turns of other clients, typed, with dates', async () => {
    await using app = await start();
    const client = openClient(app, app.browser());
    await client.trpc.session.login.mutate(johns);
    const other = openClient(app, app.browser());
    await other.trpc.session.login.mutate(johns);
    const entries: Array<RouterOutputs['assignments']['onTurn'] extends AsyncIterable<infer Event> ? Event : never> =
      [];
    let isStarted = false;
    const { unsubscribe } = client.trpc.assignments.onTurn.subscribe(rotation, {
      onStarted: () => {
        isStarted = true;
      },
      onData: (event) => void entries.push(event),
    });
    await vi.waitFor(() => expect(isStarted).toBe(true));
    const { assignee } = await other.trpc.assignments.next.mutate({ ...rotation, key: 'T-1' });
    await vi.waitFor(() => expect(entries).toHaveLength(1));
    expect(entries[0]?.data).toMatchObject({ key: 'T-1', assignee: assignee?.id, by: 123, kind: 'assigned' });
    expect(entries[0]?.data.at).toBeInstanceOf(Date);
    unsubscribe();
  });

  it('goes on after its token has expired, without a lost event', async () => {
    await using app = await start({ liveLimits: { sweepMs: 10 } });
    const browser = app.browser();
    const client = openClient(app, browser);
    await client.trpc.session.login.mutate(johns);
    const { keys, reasons, isOpen } = follow(client);
    await isOpen();
    await client.trpc.assignments.next.mutate({ ...rotation, key: 'T-1' });
    await vi.waitFor(() => expect(keys).toEqual(['T-1']));
    app.clock.advance(901_000);
    await vi.waitFor(() => expect(client.opened).toHaveLength(2));
    await client.trpc.assignments.next.mutate({ ...rotation, key: 'T-2' });
    await vi.waitFor(() => expect(keys).toEqual(['T-1', 'T-2']));
    expect(decodeURIComponent(client.opened[1] ?? '')).toContain('"lastEventId":');
    expect(app.authService.count('refresh')).toBe(1);
    expect(reasons).toEqual([]);
  });

  it('delivers the turn that was given while its token had expired, although it has had none before', async () => {
    await using app = await start({ liveLimits: { sweepMs: 10 } });
    const client = openClient(app, app.browser());
    await client.trpc.session.login.mutate(johns);
    const { keys, isOpen } = follow(client);
    await isOpen();
    const other = openClient(app, app.browser());
    const { held, release } = holdEndpoint(app.authService, 'refresh');
    app.clock.advance(901_000);
    await held;
    await other.trpc.session.login.mutate(johns);
    await other.trpc.assignments.next.mutate({ ...rotation, key: 'T-1' });
    release();
    await vi.waitFor(() => expect(keys).toEqual(['T-1']));
  });

  it('fails with the reason of the BFF', async () => {
    await using app = await start();
    const client = openClient(app, app.browser());
    const { reasons } = follow(client);
    await vi.waitFor(() => expect(reasons).toEqual(['no_token']));
    expect(client.onSignedOut).not.toHaveBeenCalled();
  });
});

describe('a sign-out elsewhere at a real BFF', () => {
  it.each([true, false])('shows at once in a client that makes no call: watchSession %s', async (watchSession) => {
    await using app = await start();
    const client = openClient(app, app.browser(), watchSession);
    await client.trpc.session.login.mutate(johns);
    const { reasons, isOpen } = follow(client);
    await isOpen();
    const other = openClient(app, app.browser());
    await other.trpc.session.login.mutate(johns);
    await vi.waitFor(() => expect(client.opened).toHaveLength(watchSession ? 2 : 1));
    await other.trpc.session.logoutEverywhere.mutate();
    await vi.waitFor(() => expect(client.session.current.state).toBe('signed_out'));
    expect(client.onSignedOut).toHaveBeenCalledOnce();
    expect(reasons).toEqual(['session_ended']);
  });
});
