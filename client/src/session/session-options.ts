import { type Clock, systemClock } from '../clock.ts';
import { browserChannel, browserLocks, isBrowser, toAbsolute } from '../environment.ts';
import { browserPage } from './page.ts';
import { createSessionCalls } from './session-requests.ts';
import { createSessionKeeper } from './session-manager.ts';
import type { Channel, Locks } from './tabs.ts';
import { type AuthFetch, type AuthHeaders, withCredentials } from '../transport.ts';

export type KeepSessionOptions = {
  /** Where the BFF answers tRPC: `/trpc`, or with its origin outside browsers. */
  url: string;
  /** Default: the platform's. Cookies are sent along (`credentials: 'include'`). */
  fetch?: AuthFetch | undefined;
  /** Sent with each request. Where they hold a cookie or an authorization, the session is not refreshed: new cookies could not take their place. */
  headers?: AuthHeaders | (() => AuthHeaders | Promise<AuthHeaders>) | undefined;
  /** Called once, when a session that was there has ended, or its refresh is refused; never for a visitor who had none. */
  onSignedOut?: (() => void) | undefined;
  /** Seconds before expiry at which to refresh, at most half of the lifetime. Default: what the server says. */
  refreshThresholdSeconds?: number | undefined;
  /** Whether a tab refreshes before expiry while it is hidden. Default true. False: only while it is visible or makes calls. */
  refreshWhileHidden?: boolean | undefined;
  /** Milliseconds that a refresh may take, after which all who wait for it fail. Default 10,000. */
  refreshTimeoutMs?: number | undefined;
  /** Default: `navigator.locks` in browsers. Null for none. */
  locks?: Locks | null | undefined;
  /** Default: a BroadcastChannel in browsers. Null for none. */
  channel?: Channel | null | undefined;
  /** Default: `performance.now` and the platform's timers. */
  clock?: Clock | undefined;
  /** Between 0 and 1. Default `Math.random`. */
  random?: (() => number) | undefined;
};

/** The keeper of one client's session, and what it takes to reach the BFF. */
export const keepSession = (options: KeepSessionOptions) => {
  const { headers: own, clock = systemClock, random = Math.random, locks, channel } = options;
  const url = options.url.replace(/\/+$/, '');
  const fetch = withCredentials(options.fetch);
  const headers = async (): Promise<AuthHeaders> => (typeof own === 'function' ? await own() : (own ?? {}));
  const inBrowser = isBrowser();
  const name = `auth-bff ${toAbsolute(url)}`;
  const keeper = createSessionKeeper({
    name,
    calls: createSessionCalls({ url, fetch, headers, timeoutMs: options.refreshTimeoutMs ?? 10_000, clock }),
    onSignedOut: options.onSignedOut,
    clock,
    random,
    page: inBrowser ? browserPage(window) : null,
    locks: locks === undefined ? (inBrowser ? browserLocks() : null) : locks,
    channel: channel === undefined ? (inBrowser ? browserChannel(name) : null) : channel,
    thresholdSeconds: options.refreshThresholdSeconds ?? null,
    refreshWhileHidden: options.refreshWhileHidden ?? true,
  });
  return { keeper, url, fetch, headers };
};
