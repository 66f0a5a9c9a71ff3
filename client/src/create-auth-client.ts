import type { AppRouter } from '@auth-bff/server';
import { createTRPCClient, type TRPCClient, type TRPCLink } from '@trpc/client';
import { systemClock } from './clock.ts';
import { batchLink } from './links/batch-link.ts';
import { refreshLinkOf } from './links/refresh-link.ts';
import { type RetryOptions, retryLink } from './links/retry-link.ts';
import type { LiveLink } from './live/live-option.ts';
import { createSessionFetch } from './session/session-fetch.ts';
import { resolveSessionOptions, type SessionOptions } from './session/session-options.ts';
import { managerOf } from './session/manager-of.ts';
import type { SessionListener, SessionSnapshot } from './session/session-snapshot.ts';
import type { AuthFetch } from './transport.ts';

export type AuthClientOptions = SessionOptions & {
  /** Called with each change of the session, like a listener of `session.subscribe`. */
  onSessionChange?: SessionListener | undefined;
  /** Retries of queries during an outage. False: none. Default: `{}`, the defaults of `RetryOptions`. */
  retry?: RetryOptions | false | undefined;
  /** Placed first in the chain of links: they see each call once, as the page made it. Default: none. */
  links?: readonly TRPCLink<AppRouter>[] | undefined;
  /** `liveLink()` of `@auth-bff/client/live`: enables subscriptions. Default: none, and subscriptions fail. */
  live?: LiveLink | undefined;
  /**
   * Whether `session.subscribe` calls the listener at once with the current snapshot, as the store contract of Svelte wants.
   * Default: false.
   */
  notifyOnSubscribe?: boolean | undefined;
};

/** The session of this client. */
export type AuthSession = {
  /** The current snapshot. An unchanged snapshot is the same object. */
  readonly current: SessionSnapshot;
  /** Calls the listener with each change. Returns a function that unsubscribes. */
  subscribe: (listener: SessionListener) => () => void;
  /**
   * Asks the BFF who is signed in, without a 401 in the console, and refreshes an expired token. Never rejects: if the BFF
   * is unreachable, the state stays `unknown`.
   */
  load: () => Promise<SessionSnapshot>;
  /**
   * Refreshes the session. Parallel calls share one refresh. Rejects with a `TRPCClientError`: `session_ended` if the BFF
   * rejects the refresh, otherwise the reason of the failure.
   */
  refresh: () => Promise<SessionSnapshot>;
  /** Signs out in all tabs. Rejects if the BFF is unreachable; the session then continues. */
  signOut: () => Promise<void>;
  /** `fetch` for another backend that reads the same cookies. On its 401: one refresh, then the request is repeated. */
  fetch: AuthFetch;
  /** Removes all timers, listeners and channels. */
  dispose: () => void;
};

export type AuthClient = { trpc: TRPCClient<AppRouter>; session: AuthSession };

/** Creates the client of the BFF: typed calls, and a session that refreshes itself. Create one per page. */
export const createAuthClient = (options: AuthClientOptions): AuthClient => {
  const { manager, url, fetch, headers } = resolveSessionOptions(options);
  const { clock = systemClock, random = Math.random, retry, links = [], onSessionChange, notifyOnSubscribe } = options;
  if (onSessionChange) manager.subscribe(onSessionChange);
  const live = options.live?.connect({ manager, url, headers, clock, random });

  const trpc = createTRPCClient<AppRouter>({
    links: [
      ...links,
      ...(live ? [live.link] : []),
      ...(retry === false ? [] : [retryLink<AppRouter>(retry ?? {}, { clock, random })]),
      refreshLinkOf<AppRouter>(manager),
      batchLink({ url, fetch, headers }),
    ],
  });

  const session: AuthSession = {
    get current() {
      return manager.current();
    },
    subscribe: (listener) => manager.subscribe(listener, notifyOnSubscribe),
    load: async () => {
      await manager.load();
      return manager.current();
    },
    refresh: async () => {
      await manager.refresh();
      return manager.current();
    },
    signOut: async () => {
      await trpc.session.logout.mutate();
    },
    fetch: createSessionFetch({ manager, fetch: options.fetch }),
    dispose: () => {
      live?.dispose();
      manager.dispose();
    },
  };
  managerOf.set(session, manager);
  return { trpc, session };
};
