import { createContext, runInContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import type * as clientPackage from '../../client/src/index.ts';
import type { AuthClient, AuthClientOptions } from '../../client/src/index.ts';
import type { AuthFetch } from '../../client/src/transport.ts';
import { createClock, startApp, type TestApp } from '../support/app/start-app.ts';
import { plainFetch } from '../support/app/plain-fetch.ts';
import { abortControllerWithoutReason } from '../support/page/abort-controller-without-reason.ts';
import { bundleClient } from '../support/page/bundle-client.ts';

/**
 * What React Native has of a browser: a `window` without a `document`, an AbortController whose signals know no reason, and
 * timers. It has no DOMException, BroadcastChannel, locks, `AbortSignal.any` or `AbortSignal.timeout`, and no location.
 */
const globalsOfReactNative = `
  globalThis.window = globalThis;
  globalThis.navigator = { product: 'ReactNative' };
  ${abortControllerWithoutReason}
`;

/** The `fetch` of an app without a cookie store. React Native's ignores `keepalive`, and its signals are not Node's. */
const fetchWithoutCookies: AuthFetch = async (input, { signal: _signal, keepalive: _keepalive, ...init } = {}) =>
  (await plainFetch(input, init)).toResponse();

describe('an app of React Native', () => {
  let script: string;
  beforeAll(async () => {
    script = await bundleClient();
  });

  /** Starts the app: a new runtime with a client. A cookie store belongs to the device and outlives it. */
  const start = (app: TestApp, fetch: AuthFetch, options: Partial<AuthClientOptions> = {}) => {
    const context = createContext({ Headers, URL, performance, setTimeout, clearTimeout, queueMicrotask, fetch });
    runInContext(globalsOfReactNative, context);
    const { createAuthClient, reasonOf } = runInContext(`${script}; client`, context) as typeof clientPackage;
    let signedOut = 0;
    const onSignedOut = () => {
      signedOut += 1;
    };
    const client = createAuthClient({ url: `${app.url}/trpc`, retry: false, onSignedOut, ...options });
    return {
      ...client,
      signedOut: () => signedOut,
      outcomeOf: (call: Promise<unknown>) => call.then(() => 'ok', reasonOf),
      [Symbol.dispose]: () => client.session.dispose(),
    };
  };
  const startDevice = async () => {
    const clock = createClock();
    const app = await startApp({ now: clock.now });
    const { fetch } = app.browser();
    const withCookies: AuthFetch = (input, { signal: _signal, keepalive: _keepalive, ...init } = {}) =>
      fetch(input, init);
    return {
      app,
      withCookies,
      expire: () => clock.advance(901_000),
      [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
    };
  };
  const signIn = ({ trpc }: AuthClient) =>
    trpc.session.login.mutate({ email: 'user@example.com', password: 'staff-pass-1' });

  describe('whose fetch keeps cookies in the native store', () => {
    it('signs in, shares one refresh among its calls, and signs out', async () => {
      await using device = await startDevice();
      using client = start(device.app, device.withCookies);
      expect((await client.session.load()).state).toBe('signed_out');
      await signIn(client);
      device.expire();
      const calls = [1, 2, 3].map(() => client.outcomeOf(client.trpc.users.byId.query({ id: 123 })));
      expect(await Promise.all(calls)).toEqual(['ok', 'ok', 'ok']);
      expect(device.app.authService.count('refresh')).toBe(1);
      await client.session.signOut();
      expect(client.signedOut()).toBe(1);
      expect(await client.outcomeOf(client.trpc.users.me.query())).toBe('no_token');
    });

    it('is still signed in after a restart, also if the token has expired meanwhile', async () => {
      await using device = await startDevice();
      using first = start(device.app, device.withCookies);
      await signIn(first);
      device.expire();
      using second = start(device.app, device.withCookies);
      expect(await second.session.load()).toMatchObject({
        state: 'signed_in',
        user: { id: 123, fullName: 'John Doe' },
      });
      expect(device.app.authService.count('refresh')).toBe(1);
    });

    it('knows of another person after the next load, as when it comes to the foreground', async () => {
      await using device = await startDevice();
      using client = start(device.app, device.withCookies);
      await signIn(client);
      // A web view shares the store.
      using webView = start(device.app, device.withCookies);
      await webView.trpc.session.login.mutate({ email: 'ethan.caldwell@example.com', password: 'staff-pass-1' });
      expect(client.session.current).toMatchObject({ state: 'signed_in', user: { id: 123 } });
      expect(await client.session.load()).toMatchObject({ state: 'changed', user: { id: 2 } });
    });

    it('refreshes before the expiry only with a call: without a page it has no timer of its own', async () => {
      await using device = await startDevice();
      const timers: number[] = [];
      const clock = {
        now: () => 0,
        setTimeout: (_task: () => void, delayMs: number) => timers.push(delayMs),
        clearTimeout: () => void timers.pop(),
      };
      using client = start(device.app, device.withCookies, { clock });
      await signIn(client);
      expect(timers).toEqual([]);
    });
  });

  describe('whose fetch keeps no cookies', () => {
    it('is signed out by the call after its sign-in', async () => {
      await using device = await startDevice();
      using client = start(device.app, fetchWithoutCookies);
      await signIn(client);
      expect(client.session.current.state).toBe('signed_in');
      expect(await client.outcomeOf(client.trpc.users.me.query())).toBe('no_token');
      expect([client.session.current.state, client.signedOut()]).toEqual(['signed_out', 1]);
    });
  });

  describe('that sends its own Bearer token', () => {
    const startWithToken = async () => {
      const device = await startDevice();
      const { app } = device;
      let { access } = await app.authService.issue({ type: 'staff', id: 123 });
      const headers = () => ({ authorization: `Bearer ${access}` });
      return {
        ...device,
        client: start(app, fetchWithoutCookies, { headers }),
        headers,
        renew: async () => {
          ({ access } = await app.authService.issue({ type: 'staff', id: 123 }));
        },
      };
    };

    it('finds out whose token it is by load(), and calls as that person', async () => {
      await using device = await startWithToken();
      using client = device.client;
      expect(await client.session.load()).toMatchObject({ state: 'signed_in', user: { id: 123 } });
      await client.trpc.session.me.query();
      expect(client.session.current).toMatchObject({ state: 'signed_in', user: { id: 123, fullName: 'John Doe' } });
    });

    it('gets token_expired once the token has expired, refreshes nothing, and continues with a new token', async () => {
      await using device = await startWithToken();
      using client = device.client;
      expect(await client.outcomeOf(client.trpc.users.me.query())).toBe('ok');
      device.expire();
      expect(await client.outcomeOf(client.trpc.users.me.query())).toBe('token_expired');
      await expect(client.session.refresh()).rejects.toThrow('cannot refresh');
      expect([client.signedOut(), device.app.authService.count('refresh')]).toEqual([0, 0]);
      await device.renew();
      expect(await client.outcomeOf(client.trpc.users.me.query())).toBe('ok');
      expect(client.session.current.state).toBe('signed_in');
    });

    it('ends the session of the token by signOut', async () => {
      await using device = await startWithToken();
      using client = device.client;
      await client.trpc.users.me.query();
      await client.session.signOut();
      expect([client.session.current.state, client.signedOut()]).toEqual(['signed_out', 1]);
      expect(await client.outcomeOf(client.trpc.users.me.query())).toBe('session_ended');
    });

    it('calls as the person of the cookie if the native store has one', async () => {
      await using device = await startWithToken();
      const { app, withCookies, headers } = device;
      using other = start(app, withCookies);
      await other.trpc.session.login.mutate({ email: 'ethan.caldwell@example.com', password: 'staff-pass-1' });
      using client = start(app, withCookies, { headers });
      expect(await client.trpc.session.me.query()).toMatchObject({ user: { id: 2 } });
    });
  });
});
