import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type MaybePromise, isSync } from '../../platform/maybe-promise.ts';
import type { SessionService } from '../../session/sign-in/session-service.ts';
import type { VerifiedToken } from '../../token/verified-token.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the session was signed out when the head of the request arrived. Null: nobody has looked. */
    signOutLookup: { access: VerifiedToken; isSignedOut: boolean; startedAtMs: number } | null;
  }
}

/** How long a look-up counts. The body of the request may arrive much later, and a sign-out before it. */
const maxAgeMs = 1_000;

export type SignOutLookupOptions = {
  sessions: Pick<SessionService, 'isSignedOut' | 'isSignedOutHere'>;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

/** Lets a request look up whether its session was signed out before it is known which procedures it calls. */
export const registerSignOutLookup = (server: FastifyInstance, { sessions, monotonicNow }: SignOutLookupOptions) => {
  server.decorateRequest('signOutLookup', null);

  return {
    /** Looks it up, for `isSignedOut` to use. No promise where no I/O is needed. Never rejects. */
    start(request: FastifyRequest, access: VerifiedToken): MaybePromise<void> {
      const startedAtMs = monotonicNow();
      const keep = (isSignedOut: boolean): void => {
        request.signOutLookup = { access, isSignedOut, startedAtMs };
      };
      const isSignedOut = sessions.isSignedOut(access);
      return isSync(isSignedOut) ? keep(isSignedOut) : isSignedOut.then(keep);
    },

    /** Whether this token's session was signed out: as it was looked up a moment ago, or looked up now. */
    isSignedOut({ signOutLookup }: FastifyRequest, access: VerifiedToken): MaybePromise<boolean> {
      const isRecent = signOutLookup?.access === access && monotonicNow() - signOutLookup.startedAtMs < maxAgeMs;
      if (!isRecent) return sessions.isSignedOut(access);
      return signOutLookup.isSignedOut || sessions.isSignedOutHere(access);
    },
  };
};

export type SignOutLookup = ReturnType<typeof registerSignOutLookup>;
