import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AuthClientOptions, createAuthClient, reasonOf, type SessionSnapshot } from '../../../client/src/index.ts';
import { ethan, john } from '../../support/page/fake-bff.ts';
import { createWorld } from '../../support/page/open-tabs.ts';
import { hold } from '../../support/time/hold.ts';
import { createClock, dialects, startApp, type StartAppOptions } from '../../support/app/start-app.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const johnsEmail = 'user@example.com';
const ethansEmail = 'ethan.caldwell@example.com';

/** A real BFF, and one browser with pages of several origins that share the cookies but exchange no messages. */
const startOrigins = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, env: { COOKIE_DOMAIN: 'example.org' }, ...options });
  const browser = app.browser();
  const open = (own: Partial<AuthClientOptions> = {}) => {
    const paths: string[] = [];
    const changes: SessionSnapshot[] = [];
    const onSignedOut = vi.fn<() => void>();
    const client = createAuthClient({
      url: `${app.url}/trpc`,
      fetch: (input, init) => {
        paths.push(new URL(input instanceof Request ? input.url : input).pathname.replace('/trpc/', ''));
        return browser.fetch(input, init);
      },
      retry: false,
      locks: null,
      channel: null,
      onSignedOut,
      onSessionChange: (change) => void changes.push(change),
      ...own,
    });
    return { ...client, paths, changes, states: () => changes.map(({ state }) => state), onSignedOut };
  };
  /** Signs a person in on any origin: the browser gets new cookies. */
  const signIn = async (id: number, type: 'staff' | 'employee' = 'staff') =>
    browser.holdTokens(await app.authService.issue({ type, id }));
  const openSignedIn = async () => {
    await signIn(123);
    const tab = open();
    await tab.trpc.session.me.query();
    return tab;
  };
  return { app, clock, open, signIn, openSignedIn, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};

describe.each(dialects)('a tab whose person is replaced on another origin that shares the cookies (%s)', (dialect) => {
  it.each<[string, (client: ReturnType<typeof createAuthClient>, url: string) => Promise<unknown>]>([
    ['a query', ({ trpc }) => trpc.users.byId.query({ id: 5 })],
    ['a query that fails', ({ trpc }) => trpc.users.byId.query({ id: 987_654 })],
    ['a query that is refused', ({ trpc }) => trpc.assignments.candidates.query({ system: 'BMS', role: 'User' })],
    ['a mutation', ({ trpc }) => trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician' })],
    [
      'a fetch',
      ({ session }, url) => session.fetch(`${url}/trpc/users.byId?input=%7B%22json%22%3A%7B%22id%22%3A5%7D%7D`),
    ],
  ])('becomes changed by the answer to %s, and says whose session it is', async (_name, ask) => {
    await using origins = await startOrigins({ dialect });
    const tts = await origins.openSignedIn();
    await origins.signIn(2);
    expect(tts.session.current.user?.id).toBe(123);
    await ask(tts, origins.app.url).catch(() => {});
    const ethanByHeader = { id: 2, type: 'staff', email: null, fullName: null };
    expect(tts.session.current).toMatchObject({ state: 'changed', user: ethanByHeader });
    expect(tts.states()).toEqual(['signed_in', 'changed']);
    // An answer that names the person adds the names.
    await tts.trpc.session.me.query();
    expect(tts.session.current).toMatchObject({ state: 'changed', user: { id: 2, email: ethansEmail } });
    await tts.trpc.users.byId.query({ id: 5 });
    expect(tts.session.current.user?.email).toBe(ethansEmail);
    expect(tts.onSignedOut).not.toHaveBeenCalled();
  });

  it('does not confuse an employee with the staff member of the same id', async () => {
    await using origins = await startOrigins({ dialect });
    await origins.signIn(1, 'staff');
    const tts = origins.open();
    await tts.trpc.status.get.query();
    await tts.trpc.users.me.query();
    await origins.signIn(1, 'employee');
    await tts.trpc.users.me.query();
    expect(tts.session.current).toMatchObject({ state: 'changed', user: { id: 1, type: 'employee' } });
  });

  it('stays signed_in if the same person signs in again', async () => {
    await using origins = await startOrigins({ dialect });
    const tts = await origins.openSignedIn();
    origins.clock.advance(5_000);
    await origins.signIn(123);
    await tts.trpc.users.byId.query({ id: 5 });
    expect(tts.states()).toEqual(['signed_in']);
    expect(tts.session.current.user?.email).toBe(johnsEmail);
  });
});

describe('a response in flight during a change of person', () => {
  const holdJohnsAnswer = async () => {
    const origins = await startOrigins();
    const tts = await origins.openSignedIn();
    const held = hold();
    origins.app.authService.fault('staff-profile', { kind: 'hold', until: held.until, times: 1 });
    return { origins, tts, held };
  };

  it('does not restore the previous person, and its query is sent again as the new person', async () => {
    const { origins, tts, held } = await holdJohnsAnswer();
    await using _ = origins;
    const slow = tts.trpc.users.me.query();
    await vi.waitFor(() => expect(origins.app.authService.count('staff-profile')).toBe(1));
    await origins.signIn(2);
    await tts.trpc.users.byId.query({ id: 5 });
    held.release();
    expect((await slow).email).toBe(ethansEmail);
    expect(tts.states()).toEqual(['signed_in', 'changed']);
    expect(tts.session.current).toMatchObject({ state: 'changed', user: { id: 2 } });
    expect(tts.paths.filter((path) => path === 'users.me')).toHaveLength(2);
  });

  it('is used if it belongs to the new person, although its call was sent earlier', async () => {
    const { origins, tts, held } = await holdJohnsAnswer();
    await using _ = origins;
    await origins.signIn(2);
    const slow = tts.trpc.users.me.query();
    await vi.waitFor(() => expect(origins.app.authService.count('staff-profile')).toBe(1));
    await tts.trpc.users.byId.query({ id: 5 });
    held.release();
    expect((await slow).email).toBe(ethansEmail);
    expect(tts.paths.filter((path) => path === 'users.me')).toHaveLength(1);
    expect(tts.states()).toEqual(['signed_in', 'changed']);
  });

  it('is returned to the caller of a mutation, which is not sent again', async () => {
    await using origins = await startOrigins();
    const tts = await origins.openSignedIn();
    const held = hold();
    const before = origins.app.authService.count();
    origins.app.authService.fault('*', { kind: 'hold', until: held.until, times: 1 });
    const slow = tts.trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician' });
    await vi.waitFor(() => expect(origins.app.authService.count()).toBe(before + 1));
    await origins.signIn(2);
    await tts.trpc.users.byId.query({ id: 5 });
    held.release();
    expect((await slow).assignee).not.toBeNull();
    expect(tts.paths.filter((path) => path === 'assignments.next')).toHaveLength(1);
    expect(tts.session.current).toMatchObject({ state: 'changed', user: { id: 2 } });
  });

  it('is requested once more, and not again', async () => {
    const world = createWorld();
    const { trpc, session } = await world.openSignedIn();
    const held = hold();
    world.bff.state.intercept = async ({ calls, request }) => {
      if (!calls.includes('users.byId')) return null;
      // A cache on the way that has the previous person's answer for ever.
      const answer = await world.browser.fetch(request.url.replace('users.byId', 'status.get'));
      answer.headers.set('x-session-user', 'staff:123');
      await held.until;
      return answer;
    };
    const slow = trpc.users.byId.query({ id: 1 });
    await world.settle();
    world.browser.signIn(ethan);
    await trpc.session.me.query();
    held.release();
    expect(await slow).toEqual({ authService: 'up' });
    expect(world.bff.callCount('users.byId')).toBe(2);
    expect(session.current).toMatchObject({ state: 'changed' });
  });
});

describe('a change of person that one tab detects', () => {
  it('is announced to the other tabs of its origin', async () => {
    const world = createWorld();
    const [first, second, visitor] = [await world.openSignedIn(), await world.openSignedIn(), world.openTab()];
    world.browser.signIn(ethan);
    await first.trpc.users.byId.query({ id: 1 });
    await world.settle();
    const user = { id: ethan.id, type: 'staff', email: null, fullName: null };
    for (const tab of [first, second]) expect(tab.session.current).toEqual({ state: 'changed', user, expiresIn: 900 });
    expect(visitor.session.current).toMatchObject({ state: 'signed_in', user });
    await second.trpc.session.me.query();
    expect(second.session.current).toMatchObject({ state: 'changed', user: ethan });
    expect(second.states()).toEqual(['signed_in', 'changed', 'changed']);
  });

  it('starts the session in tabs that were signed out', async () => {
    const world = createWorld();
    const [first, second] = [await world.openSignedIn(), await world.openSignedIn()];
    await first.session.signOut();
    await world.settle();
    world.browser.signIn(ethan);
    await first.trpc.users.byId.query({ id: 1 });
    await world.settle();
    for (const tab of [first, second]) expect(tab.states()).toEqual(['signed_in', 'signed_out', 'signed_in']);
  });

  it('is announced once if two tabs detect it at the same time', async () => {
    const world = createWorld({ channelDelayMs: 1_000 });
    const tabs = [await world.openSignedIn(), await world.openSignedIn()];
    world.browser.signIn(ethan);
    for (const { trpc } of tabs) await trpc.session.me.query();
    await world.clock.advance(1_000);
    for (const { states } of tabs) expect(states()).toEqual(['signed_in', 'changed']);
  });

  it.each(['the same tab', 'another tab'])('cuts no refresh of %s with the new person’s cookies', async (which) => {
    const world = createWorld();
    const [tab, other] = [await world.openSignedIn(), await world.openSignedIn()];
    world.browser.signIn(ethan);
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    const refresh = tab.session.refresh();
    await world.settle();
    await (which === 'another tab' ? other : tab).trpc.users.byId.query({ id: 1 });
    await world.settle();
    expect(tab.session.current).toMatchObject({ state: 'changed' });
    held.release();
    await refresh;
    expect(world.bff.exchanges()).toBe(1);
    expect(world.browser.jar.refresh?.exchanged).toBeNull();
    expect(tab.session.current).toMatchObject({ state: 'signed_in', user: ethan });
  });
});

describe('a page restored from the back/forward cache', () => {
  it('checks the session before it sends calls, and becomes changed', async () => {
    const world = createWorld();
    const tab = await world.openSignedIn();
    world.browser.signIn(ethan);
    tab.window.pageShow({ persisted: true });
    const [query, fetched] = [
      tab.trpc.users.byId.query({ id: 1 }),
      tab.session.fetch('https://app.test/trpc/session.me'),
    ];
    await query;
    await fetched;
    expect(world.bff.asked.map(({ path }) => path).slice(0, 2)).toEqual(['session.me', 'session.current']);
    expect(world.bff.asked).toHaveLength(4);
    expect(tab.states()).toEqual(['signed_in', 'changed']);
    expect(tab.session.current).toMatchObject({ state: 'changed', user: ethan });
  });

  it('detects the end of the session without a 401, and informs the other tabs', async () => {
    const world = createWorld();
    const [tab, other] = [await world.openSignedIn(), await world.openSignedIn()];
    Object.assign(world.browser.jar, { access: null, refresh: null });
    tab.window.pageShow({ persisted: true });
    await world.settle();
    for (const { session, onSignedOut } of [tab, other]) {
      expect(session.current.state).toBe('signed_out');
      expect(onSignedOut).toHaveBeenCalledTimes(1);
    }
    expect(world.bff.count('session.current')).toBe(1);
    expect(world.bff.asked).toHaveLength(3);
  });

  it('detects a sign-in that happened on another page', async () => {
    const world = createWorld();
    const tab = world.openTab();
    expect(await tab.trpc.session.me.query().catch(reasonOf)).toBe('no_token');
    world.browser.signIn(john);
    tab.window.pageShow({ persisted: true });
    await world.settle();
    expect(tab.session.current).toEqual({ state: 'signed_in', user: john, expiresIn: 900 });
    expect(tab.onSignedOut).not.toHaveBeenCalled();
  });

  it('does not change for a visitor, or if the same person is signed in', async () => {
    const world = createWorld();
    const [visitor, tab] = [world.openTab(), await world.openSignedIn()];
    const before = tab.changes.length;
    tab.window.pageShow({ persisted: true });
    await world.settle();
    expect(tab.changes).toHaveLength(before);
    Object.assign(world.browser.jar, { access: null, refresh: null });
    visitor.window.pageShow({ persisted: true });
    await world.settle();
    expect(visitor.session.current.state).toBe('signed_out');
    expect(visitor.onSignedOut).not.toHaveBeenCalled();
  });

  it('sends its calls after refreshTimeoutMs if the check hangs', async () => {
    const world = createWorld();
    const tab = await world.openSignedIn({ refreshTimeoutMs: 4_000 });
    world.bff.state.intercept = ({ path }) => (path === 'session.current' ? new Promise(() => {}) : null);
    tab.window.pageShow({ persisted: true });
    const call = tab.trpc.users.byId.query({ id: 1 });
    await world.clock.advance(3_999);
    expect(world.bff.callCount('users.byId')).toBe(0);
    await world.clock.advance(1);
    expect(await call).toEqual({ id: 1 });
    expect(tab.states()).toEqual(['signed_in']);
  });

  it('fails an aborted call at once', async () => {
    const world = createWorld();
    const tab = await world.openSignedIn();
    world.bff.state.intercept = ({ path }) => (path === 'session.current' ? new Promise(() => {}) : null);
    tab.window.pageShow({ persisted: true });
    const abort = new AbortController();
    const calls = [
      tab.trpc.users.byId.query({ id: 1 }, { signal: abort.signal }),
      tab.session.fetch('https://app.test/trpc/session.me', { signal: abort.signal }),
    ].map((call) => call.then(() => 'answered', reasonOf));
    abort.abort();
    expect(await Promise.all(calls)).toEqual([null, null]);
    expect(world.bff.count('session.me')).toBe(1);
  });

  it('does not check after an ordinary load', async () => {
    const world = createWorld();
    const tab = await world.openSignedIn();
    tab.window.pageShow({ persisted: false });
    await world.settle();
    expect(world.bff.count('session.current')).toBe(0);
  });

  it('checks, and never refreshes, if the headers option sends the token', async () => {
    const world = createWorld();
    const tab = world.openTab({ headers: { authorization: 'Bearer x' } });
    tab.window.pageShow({ persisted: true });
    await world.settle();
    expect(world.bff.count('session.current')).toBe(1);
    expect(world.bff.count('session.refresh')).toBe(0);
  });
});

describe('session.current', () => {
  it('tells the client whether a person is signed in', async () => {
    await using origins = await startOrigins();
    const [tts, bms] = [origins.open(), origins.open()];
    expect(await tts.trpc.session.current.query()).toEqual({ state: 'signed_out' });
    expect(tts.states()).toEqual(['signed_out']);
    await origins.signIn(123);
    await tts.trpc.session.current.query();
    expect(tts.session.current).toMatchObject({ state: 'signed_in', user: { id: 123, email: johnsEmail } });
    await bms.session.signOut();
    await tts.trpc.session.current.query();
    expect(tts.states()).toEqual(['signed_out', 'signed_in', 'signed_out']);
    expect(tts.onSignedOut).toHaveBeenCalledTimes(1);
  });
});
