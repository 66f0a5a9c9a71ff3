import type { AppRouter } from '@auth-bff/server';
import { createTRPCClient, type TRPCClient } from '@trpc/client';
import { batchLink } from './links/batch-link.ts';
import { systemClock } from './clock.ts';
import { keepSession, type KeepSessionOptions } from './session/session-options.ts';
import { linkToKeeper } from './links/refresh-link.ts';
import { type RetryOptions, retryLink } from './links/retry-link.ts';
import { createSessionFetch } from './session/session-fetch.ts';
import type { SessionListener, SessionSnapshot } from './session/session-snapshot.ts';
import type { AuthFetch } from './transport.ts';

export type AuthClientOptions = KeepSessionOptions & {
  /** Told of each change of the session, as `session.subscribe` is. */
  onSessionChange?: SessionListener | undefined;
  /** How queries are tried again while the service is unavailable. False: not at all. */
  retry?: RetryOptions | false | undefined;
};

/** The session of this client. */
export type AuthSession = {
  /** What is known of the session now. The same object while it says the same. */
  readonly current: SessionSnapshot;
  /** Calls back with each change. Returns how to stop that. */
  subscribe: (listener: SessionListener) => () => void;
  /**
   * Finds out who is signed in, without a 401 in the console, and refreshes where the token has expired. Resolves with
   * what is known then: still `unknown` where the BFF cannot be reached.
   */
  load: () => Promise<SessionSnapshot>;
  /** Refreshes now, once for all who ask. Rejects with `session_ended` where it is refused, and with the failure otherwise. */
  refresh: () => Promise<SessionSnapshot>;
  /** Signs out in all tabs. Rejects where the BFF cannot be reached: then nobody is signed out. */
  signOut: () => Promise<void>;
  /** `fetch` for a system's own backend: on its 401 the session is refreshed, and the request sent once more. */
  fetch: AuthFetch;
  /** Leaves no timer, listener or channel behind. */
  dispose: () => void;
};

export type AuthClient = { trpc: TRPCClient<AppRouter>; session: AuthSession };

/** Everything a frontend needs of the BFF: typed calls, and a session that looks after itself. */
export const createAuthClient = (options: AuthClientOptions): AuthClient => {
  const { keeper, url, fetch, headers } = keepSession(options);
  const { clock = systemClock, random = Math.random, retry, onSessionChange } = options;
  if (onSessionChange) keeper.subscribe(onSessionChange);

  const trpc = createTRPCClient<AppRouter>({
    links: [
      ...(retry === false ? [] : [retryLink<AppRouter>(retry ?? {}, { clock, random })]),
      linkToKeeper<AppRouter>(keeper),
      batchLink({ url, fetch, headers }),
    ],
  });

  return {
    trpc,
    session: {
      get current() {
        return keeper.current();
      },
      subscribe: keeper.subscribe,
      load: async () => {
        await keeper.load();
        return keeper.current();
      },
      refresh: async () => {
        await keeper.refresh();
        return keeper.current();
      },
      signOut: async () => {
        await trpc.session.logout.mutate();
      },
      fetch: createSessionFetch({ keeper, fetch: options.fetch }),
      dispose: keeper.dispose,
    },
  };
};
