import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type MaybePromise, isSync } from '../../platform/maybe-promise.ts';
import type { SessionService } from '../../session/sign-in/session-service.ts';
import type { VerifiedToken } from '../../token/verified-token.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the session was signed out when the headers of the request arrived. Null: not looked up. */
    signOutLookup: { access: VerifiedToken; isSignedOut: boolean; startedAtMs: number } | null;
  }
}

/** Lifetime of a lookup. The body of a request may arrive much later, and a sign-out in between. */
const maxAgeMs = 1_000;

export type SignOutLookupOptions = {
  sessions: Pick<SessionService, 'isSignedOut' | 'isSignedOutHere' | 'mayBeSignedOutHere'>;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

/** Looks up whether the session of a request was signed out, before its calls are parsed. */
export const registerSignOutLookup = (server: FastifyInstance, { sessions, monotonicNow }: SignOutLookupOptions) => {
  server.decorateRequest('signOutLookup', null);

  return {
    /** Starts the lookup that `isSignedOut` uses. Synchronous if no I/O is needed. Never rejects. */
    start(request: FastifyRequest, access: VerifiedToken): MaybePromise<void> {
      const startedAtMs = monotonicNow();
      const store = (isSignedOut: boolean): void => {
        request.signOutLookup = { access, isSignedOut, startedAtMs };
      };
      const isSignedOut = sessions.isSignedOut(access);
      return isSync(isSignedOut) ? store(isSignedOut) : isSignedOut.then(store);
    },

    /** Whether the session of this token was signed out, from a recent lookup or a new one. */
    isSignedOut({ signOutLookup }: FastifyRequest, access: VerifiedToken): MaybePromise<boolean> {
      const isRecent = signOutLookup?.access === access && monotonicNow() - signOutLookup.startedAtMs < maxAgeMs;
      if (!isRecent) return sessions.isSignedOut(access);
      if (signOutLookup.isSignedOut || sessions.isSignedOutHere(access)) return true;
      // A cutoff arrived after the lookup: whether it reaches this session, only a new lookup tells.
      return sessions.mayBeSignedOutHere(access) ? sessions.isSignedOut(access) : false;
    },
  };
};

export type SignOutLookup = ReturnType<typeof registerSignOutLookup>;
