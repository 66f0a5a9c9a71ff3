import type { Reason, Status } from '@auth-bff/shared';
import type { Assignments } from '../assignment/engine.ts';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import type { Directory } from '../directory/directory.ts';
import type { Membership } from '../session/membership.ts';
import type { Authentication, RequestSession, SignedInAs } from '../session/request-session.ts';
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
  /** Makes the signal that aborts when nobody waits for the answer any more. */
  left: () => AbortSignal;
  /** Counts more calls against the rate limit of a person, before they are answered. Throws `rate_limited`. */
  charge: (person: Subject, calls: number) => MaybePromise<void>;
  /** Told where something in the answer comes from a stale cache. */
  onStale: () => void;
  status: () => Promise<Status>;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Told of each call of a procedure once it has ended; null for a success. */
  onCall: (procedure: string, failure: Reason | null, durationMs: number) => void;
};

/**
 * Who is asking, and what they may ask of. Made once per request; it does no I/O and never throws: a bad
 * token is a fact that `session()` tells, or nobody could reach `session.refresh` with one.
 */
export const createContext = (options: ContextOptions) => {
  const { requestId, isDevelopment, callsInRequest, isStreamed, requestSession } = options;
  const { directory, assignments, membership, left, charge, onStale, status, monotonicNow, onCall } = options;

  const toPerson = (signedIn: SignedInAs) => {
    const { principal } = signedIn;
    const { type, id, accessToken, address } = signedIn.caller;
    // What is asked for this person is asked with their token.
    const asking = { type, id, accessToken, requestId, address, onStale, getSignal: left };
    // Asked once for all calls of a batch.
    let member: Promise<Principal> | null = null;
    return {
      principal,
      asking,
      member: () => {
        member ??= membership.toDecide(principal, { ...asking, onStale: undefined });
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
    /** Resolved once per request; no promise where nothing has to be waited for. */
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
  // tRPC copies the context for each call, member by member.
  return { request };
};

/** An interface, so that declarations refer to it by name: the client's published types replace it by an empty one. */
export interface Context extends ReturnType<typeof createContext> {}

/** The person signed in. */
export type Person = ReturnType<Context['request']['as']>;
