import { describe, expect, it, vi } from 'vitest';
import { createAuthClient, errorAction, reasonOf } from '../../../client/src/index.ts';
import {
  accessLifetimeMs,
  createClock,
  dialects,
  startApp,
  type StartAppOptions,
} from '../../support/app/start-app.ts';

const person = { type: 'staff', id: 123 } as const;

type StartClientOptions = StartAppOptions & {
  /** Default: longer than any machine takes. */
  refreshTimeoutMs?: number;
};

/** A signed-in client whose access token has expired, or is about to, over a real server. */
const startClient = async ({ refreshTimeoutMs = 60_000, ...options }: StartClientOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options });
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue(person));
  const requests: string[] = [];
  const onSignedOut = vi.fn<() => void>();
  const { trpc, session } = createAuthClient({
    url: `${app.url}/trpc`,
    fetch: (input, init) => {
      requests.push(`${init?.method ?? 'GET'} ${pathOf(input)}`);
      return browser.fetch(input, init);
    },
    onSignedOut,
    retry: false,
    refreshTimeoutMs,
  });
  return {
    app,
    browser,
    clock,
    trpc,
    session,
    requests,
    onSignedOut,
    refreshes: () => requests.filter((request) => request.endsWith('session.refresh')).length,
    async [Symbol.asyncDispose]() {
      session.dispose();
      await app[Symbol.asyncDispose]();
    },
  };
};

const pathOf = (input: string | URL | Request) => new URL(input instanceof Request ? input.url : input).pathname;

const expire = ({ clock }: { clock: { advance: (ms: number) => void } }) => clock.advance(901_000);

describe('a client whose access token has expired', () => {
  it('refreshes once for 100 calls, in the minimum number of batches', async () => {
    await using test = await startClient();
    expire(test);
    const calls = Array.from({ length: 100 }, () => test.trpc.users.byId.query({ id: 123 }));
    const answers = await Promise.all(calls);
    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, () => 123));
    expect(test.refreshes()).toBe(1);
    expect(test.app.authService.count('refresh')).toBe(1);
    // Two batches that were refused, and two that were answered.
    expect(test.requests).toHaveLength(5);
    expect(test.onSignedOut).not.toHaveBeenCalled();
  });

  it('stops if the repeated call is rejected too', async () => {
    await using test = await startClient();
    const { access } = await test.app.authService.issue(person);
    expire(test);
    const { trpc } = createAuthClient({
      url: `${test.app.url}/trpc`,
      retry: false,
      // A jar that takes no new access token, so that each answer is the same refusal.
      fetch: (input, init) => {
        test.requests.push(pathOf(input));
        const { refresh } = Object.fromEntries(
          [...test.browser.cookies].map(([name, value]) => [name.split('_')[0], value]),
        );
        const headers = new Headers(init?.headers);
        headers.set('cookie', `access_token=${access}; refresh_token=${refresh}`);
        return test.browser.fetch(input, { ...init, headers });
      },
    });
    const calls = Array.from({ length: 5 }, () => trpc.users.byId.query({ id: 5 }).catch(reasonOf));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 5 }, () => 'token_expired'));
    expect(test.refreshes()).toBe(1);
    expect(test.requests).toHaveLength(3);
  });

  it('does not refresh for any other reason', async () => {
    await using test = await startClient();
    test.browser.holdTokens({ access: 'nonsense' });
    await expect(test.trpc.session.me.query()).rejects.toSatisfy((error) => reasonOf(error) === 'token_invalid');
    expect(test.refreshes()).toBe(0);
  });

  it('repeats mutations, too', async () => {
    await using test = await startClient();
    expect((await test.trpc.session.refresh.mutate()).user.id).toBe(123);
    expect(test.refreshes()).toBe(1);
  });

  it('fails all waiting calls with session_ended and calls onSignedOut once if the refresh is rejected', async () => {
    await using test = await startClient();
    expire(test);
    test.app.authService.fault('refresh', { kind: 'status', status: 401, body: '{"detail":"no"}' });
    const calls = Array.from({ length: 20 }, () => test.trpc.users.byId.query({ id: 123 }).catch(reasonOf));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['session_ended']));
    expect(test.onSignedOut).toHaveBeenCalledTimes(1);
    expect(test.refreshes()).toBe(1);
    expect(test.session.current).toEqual({ state: 'signed_out', user: null, expiresIn: null });
  });

  it('calls onSignedOut once, however many calls fail with session_ended', async () => {
    await using test = await startClient();
    const states: string[] = [];
    test.session.subscribe(({ state }) => states.push(state));
    await test.trpc.session.me.query();
    test.app.authService.fault('*', { kind: 'status', status: 401, body: '{"detail":"no"}' });
    for (const id of [1, 5, 12]) {
      expect(await test.trpc.users.byId.query({ id }).catch(reasonOf)).toBe('session_ended');
    }
    expect(test.onSignedOut).toHaveBeenCalledTimes(1);
    expect(states).toEqual(['signed_in', 'signed_out']);
  });

  it('keeps the session if the refresh fails in an outage', async () => {
    await using test = await startClient();
    expire(test);
    test.app.authService.fault('refresh', { kind: 'status', status: 503 });
    await expect(test.trpc.users.byId.query({ id: 123 })).rejects.toSatisfy(
      (error) => reasonOf(error) === 'auth_service_unavailable' && errorAction(error) === 'maintenance',
    );
    expect(test.onSignedOut).not.toHaveBeenCalled();
    test.app.authService.clearFaults();
    expect((await test.trpc.users.byId.query({ id: 123 })).id).toBe(123);
  });

  it('fails all waiting calls if the refresh times out', async () => {
    await using test = await startClient({ refreshTimeoutMs: 50 });
    expire(test);
    test.app.authService.fault('refresh', { kind: 'hang' });
    const calls = Array.from({ length: 10 }, () => test.trpc.users.byId.query({ id: 123 }).catch(reasonOf));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['network']));
    expect(test.onSignedOut).not.toHaveBeenCalled();
  });

  it('fails an aborted waiting call at once, and no other', async () => {
    await using test = await startClient();
    expire(test);
    let release = () => {};
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    test.app.authService.fault('refresh', { kind: 'hold', until });
    const abort = new AbortController();
    const leaving = test.trpc.users.byId.query({ id: 123 }, { signal: abort.signal });
    const staying = test.trpc.users.byId.query({ id: 5 });
    await vi.waitFor(() => expect(test.app.authService.count('refresh')).toBe(1));
    abort.abort();
    await expect(leaving).rejects.toThrow(/abort/i);
    release();
    expect((await staying).id).toBe(5);
    expect(test.refreshes()).toBe(1);
  });

  it('does not refresh if the headers option sends the cookies', async () => {
    await using test = await startClient();
    const { access, refresh } = await test.app.authService.issue(person);
    const { trpc } = createAuthClient({
      url: `${test.app.url}/trpc`,
      headers: () => ({ cookie: `access_token=${access}; refresh_token=${refresh}` }),
    });
    expect((await trpc.session.me.query()).user.id).toBe(123);
    expire(test);
    await expect(trpc.session.me.query()).rejects.toSatisfy((error) => reasonOf(error) === 'token_expired');
    expect(test.app.authService.count('refresh')).toBe(0);
  });
});

describe.each(dialects)('a client before the %s dialect', (dialect) => {
  it('signs in, identifies the person, and signs out', async () => {
    await using test = await startClient({ dialect });
    const states: string[] = [];
    test.session.subscribe(({ state }) => states.push(state));
    await test.trpc.session.login.mutate({ email: 'user@example.com', password: 'staff-pass-1' });
    expect(test.session.current).toMatchObject({
      state: 'signed_in',
      user: { id: 123, type: 'staff' },
      expiresIn: expect.toSatisfy((seconds: number) => seconds >= accessLifetimeMs[dialect] / 1000 - 5),
    });
    await test.session.signOut();
    expect(test.onSignedOut).toHaveBeenCalledTimes(1);
    expect(states).toEqual(['signed_in', 'signed_out']);
  });

  it('never fires onSignedOut for a visitor who had no session', async () => {
    await using app = await startApp({ dialect });
    const onSignedOut = vi.fn<() => void>();
    const { trpc, session } = createAuthClient({ url: `${app.url}/trpc`, fetch: app.browser().fetch, onSignedOut });
    await expect(trpc.session.me.query()).rejects.toSatisfy((error) => reasonOf(error) === 'no_token');
    await expect(session.refresh()).rejects.toSatisfy((error) => reasonOf(error) === 'session_ended');
    await session.signOut();
    expect(onSignedOut).not.toHaveBeenCalled();
    expect(session.current.state).toBe('signed_out');
  });
});
