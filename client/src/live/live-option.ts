import type { AppRouter } from '@auth-bff/server';
import type { TRPCLink } from '@trpc/client';
import type { Clock } from '../clock.ts';
import type { SessionManager } from '../session/session-manager.ts';
import type { AuthHeaders } from '../transport.ts';

/** The parts of a client that its streams use. */
export type LiveContext = {
  manager: SessionManager;
  /** URL of the BFF's tRPC endpoint, without a trailing slash. */
  url: string;
  headers: () => Promise<AuthHeaders>;
  clock: Clock;
  /** Returns a number between 0 and 1. */
  random: () => number;
};

/** From `liveLink` of `@auth-bff/client/live`, for the option `live` of `createAuthClient`. */
export type LiveLink = {
  /** Called by `createAuthClient`. */
  connect: (context: LiveContext) => {
    /** Handles subscriptions, and passes all other calls on. */
    link: TRPCLink<AppRouter>;
    /** Closes all streams and removes all listeners. */
    dispose: () => void;
  };
};
