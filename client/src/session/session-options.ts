import { type Clock, systemClock } from '../clock.ts';
import { browserChannel, browserLocks, isBrowser, toAbsolute } from '../environment.ts';
import { type AuthFetch, type AuthHeaders, withCredentials } from '../transport.ts';
import { browserPage } from './page.ts';
import { createSessionManager } from './session-manager.ts';
import { createSessionRequests } from './session-requests.ts';
import type { Channel, Locks } from './tabs.ts';

export type SessionOptions = {
  /** URL of the BFF's tRPC endpoint: `/trpc`, or absolute (required outside browsers). */
  url: string;
  /** Default: the global `fetch`, with `credentials: 'include'`. */
  fetch?: AuthFetch | undefined;
  /**
   * Sent with each request to the BFF. With a `cookie` or an `authorization` header the client does not refresh, because new
   * cookies could not replace it. Default: none.
   */
  headers?: AuthHeaders | (() => AuthHeaders | Promise<AuthHeaders>) | undefined;
  /** Called once when an existing session ends or its refresh is rejected. Not called for a visitor without a session. */
  onSignedOut?: (() => void) | undefined;
  /** Seconds before expiry at which a visible tab refreshes, at most half of the lifetime. Default: `x-session-refresh-in`. */
  refreshThresholdSeconds?: number | undefined;
  /** Whether a hidden tab refreshes before expiry. False: only a visible tab, or one that makes calls. Default: true. */
  refreshWhileHidden?: boolean | undefined;
  /** Timeout of a refresh in milliseconds, after which all waiting calls fail. Default: 10,000. */
  refreshTimeoutMs?: number | undefined;
  /** Lock that all tabs share. Default: `navigator.locks` in browsers. Null: no lock. */
  locks?: Locks | null | undefined;
  /** Messages between tabs. Default: a `BroadcastChannel` in browsers. Null: no messages. */
  channel?: Channel | null | undefined;
  /** Default: `performance.now` and the global timers. */
  clock?: Clock | undefined;
  /** Returns a number between 0 and 1. Default: `Math.random`. */
  random?: (() => number) | undefined;
};

/** Applies the defaults. Returns the session manager and the validated parts that the links need. */
export const resolveSessionOptions = (options: SessionOptions) => {
  const { headers: own, clock = systemClock, random = Math.random, locks, channel } = options;
  const url = options.url.replace(/\/+$/, '');
  const fetch = withCredentials(options.fetch);
  const headers = async (): Promise<AuthHeaders> => (typeof own === 'function' ? await own() : (own ?? {}));
  const inBrowser = isBrowser();
  const name = `auth-bff ${toAbsolute(url)}`;
  const manager = createSessionManager({
    name,
    requests: createSessionRequests({ url, fetch, headers, timeoutMs: options.refreshTimeoutMs ?? 10_000, clock }),
    onSignedOut: options.onSignedOut,
    clock,
    random,
    page: inBrowser ? browserPage(window) : null,
    locks: locks === undefined ? (inBrowser ? browserLocks() : null) : locks,
    channel: channel === undefined ? (inBrowser ? browserChannel(name) : null) : channel,
    thresholdSeconds: options.refreshThresholdSeconds ?? null,
    refreshWhileHidden: options.refreshWhileHidden ?? true,
  });
  return { manager, url, fetch, headers };
};
