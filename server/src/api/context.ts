import type { Reason, Status } from '@auth-bff/shared';
import type { Assignments } from '../assignment/assignments.ts';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import type { Directory } from '../directory/directory.ts';
import type { Membership } from '../session/membership.ts';
import type { Authentication, SignedInAs } from '../session/authentication.ts';
import type { RequestSession } from '../session/request-session.ts';
import type { Principal, Subject } from '../token/principal.ts';

export type ContextOptions = {
  requestId: string;
  isDevelopment: boolean;
  callsInRequest: number;
  isStreamed: boolean;
  requestSession: RequestSession;
  directory: Directory;
  assignments: Assignments;
  membership: Membership;
  /** Returns the signal that aborts when the client disconnects. */
  getDisconnectSignal: () => AbortSignal;
  /** Counts additional calls against the rate limit of a person, before they run. Throws `rate_limited`. */
  charge: (person: Subject, calls: number) => MaybePromise<void>;
  /** Called if any data of the response comes from a stale cache entry. */
  onStale: () => void;
  status: () => Promise<Status>;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Called after each procedure call. `failure` is null for a success. */
  onCall: (procedure: string, failure: Reason | null, durationMs: number) => void;
};

/**
 * Per-request context: the caller and the services. Creating it does no I/O and never throws: `session()` reports an
 * invalid token, because a caller with one must still be able to call `session.refresh`.
 */
export const createContext = (options: ContextOptions) => {
  const { requestId, isDevelopment, callsInRequest, isStreamed, requestSession } = options;
  const { directory, assignments, membership, getDisconnectSignal, charge, onStale, status, monotonicNow, onCall } =
    options;

  const toPerson = (signedIn: SignedInAs) => {
    const { principal } = signedIn;
    const { type, id, accessToken, address } = signedIn.caller;
    // Upstream calls for this person carry their token.
    const caller = { type, id, accessToken, requestId, address, onStale, getSignal: getDisconnectSignal };
    // Resolved once for all calls of a batch.
    let member: Promise<Principal> | null = null;
    return {
      principal,
      caller,
      member: () => {
        member ??= membership.toDecide(principal, { ...caller, onStale: undefined });
        return member;
      },
      me: () => requestSession.show(signedIn),
    };
  };
  let person: ReturnType<typeof toPerson> | null = null;

  const request = {
    requestId,
    isDevelopment,
    callsInRequest,
    isStreamed,
    /** Resolved once per request. Synchronous if no I/O is needed. */
    session: (): MaybePromise<Authentication> => requestSession.current(),
    commands: requestSession,
    directory,
    assignments,
    status,
    charge,
    monotonicNow,
    onCall,
    as: (signedIn: SignedInAs) => {
      person ??= toPerson(signedIn);
      return person;
    },
  };
  // One member: tRPC copies the members of the context for each call.
  return { request };
};

/** An interface, so that declarations refer to it by name: the client's published types replace it by an empty one. */
export interface Context extends ReturnType<typeof createContext> {}

/** The signed-in person. */
export type Person = ReturnType<Context['request']['as']>;
