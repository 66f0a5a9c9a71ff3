import type { NextInput, PeekInput, Reason, RotationInput, Status } from '@auth-bff/shared';
import type { Assignments } from './assignment/engine.ts';
import type { Directory } from './directory/directory.ts';
import type { Membership } from './session/membership.ts';
import type { Authentication, RequestSession, SignedInAs } from './session/request-session.ts';
import type { Principal } from './token/principal.ts';

export type ContextOptions = {
  requestId: string;
  isDevelopment: boolean;
  callsInRequest: number;
  isStreamed: boolean;
  requestSession: RequestSession;
  directory: Directory;
  assignments: Assignments;
  membership: Membership;
  /** Aborts when nobody waits for the answer any more. */
  left: AbortSignal;
  /** Told where something in the answer comes from a stale cache. */
  onStale: () => void;
  status: () => Promise<Status>;
  /** Milliseconds of a clock that only goes forward. */
  clock: () => number;
  /** Told of each call of a procedure once it has ended; null for a success. */
  onCall: (procedure: string, failure: Reason | null, durationMs: number) => void;
};

/**
 * Who is asking, and what they may ask of. Made once per request; it does no I/O and never throws: a bad
 * token is a fact that `session()` tells, or nobody could reach `session.refresh` with one.
 */
export const createContext = (options: ContextOptions) => {
  const { requestId, isDevelopment, callsInRequest, isStreamed, requestSession } = options;
  const { directory, assignments, membership, left, onStale, status, clock, onCall } = options;
  // Asked once for all calls of a batch.
  let member: Promise<Principal> | null = null;
  return {
    requestId,
    isDevelopment,
    callsInRequest,
    isStreamed,
    /** Resolved once per request. Members that wait are functions: tRPC spreads the context. */
    session: (): Promise<Authentication> => requestSession.current(),
    commands: requestSession,
    status,
    clock,
    onCall,

    /** The members that speak for a person. */
    as: (signedIn: SignedInAs) => {
      const { principal } = signedIn;
      const caller = { ...signedIn.caller, signal: left };
      const asking = { ...caller, onStale };
      return {
        principal,
        member: () => {
          member ??= membership.toDecide(principal, caller);
          return member;
        },
        me: () => requestSession.show(signedIn),
        directory: {
          me: () => directory.me(asking),
          user: (id: number) => directory.user(id, asking),
          users: (ids: readonly number[]) => directory.users(ids, asking),
          userByCompanyId: (companyId: string) => directory.userByCompanyId(companyId, asking),
          userIdsByRole: (role: { system: string; role: string }) => directory.userIdsByRole(role, asking),
          employee: (id: number) => directory.employee(id, asking),
        },
        assignments: {
          next: (input: NextInput) => assignments.next(input, asking),
          peek: (input: PeekInput) => assignments.peek(input, asking),
          candidates: (input: RotationInput) => assignments.candidates(input, asking),
        },
      };
    },
  };
};

export type Context = ReturnType<typeof createContext>;
