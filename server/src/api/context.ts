import type { Reason, Session, Status, SystemRole } from '@auth-bff/shared';
import { AppError } from '../errors.ts';
import type { Account } from '../account/account.ts';
import type { Assignments } from '../assignment/assignments.ts';
import type { TurnAdministration } from '../assignment/turn-administration.ts';
import type { AccountTokens } from '../auth-service/calling-service.ts';
import { type Caller, callerNameOf, type RequestMeta } from '../auth-service/caller.ts';
import type { OpenStreamOptions } from '../live/live-streams.ts';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import type { Directory, DirectoryCaller } from '../directory/directory.ts';
import type { Membership } from '../session/membership.ts';
import type { Authentication, SignedInAs } from '../session/authentication.ts';
import type { RequestSession } from '../session/request-session.ts';
import type { Service } from '../service-access/service-keys.ts';
import type { Principal } from '../token/principal.ts';
import type { VerifiedToken } from '../token/verified-token.ts';

export type ContextOptions = {
  requestId: string;
  /** IP address of the client. */
  address: string;
  isDevelopment: boolean;
  callsInRequest: number;
  isStreamed: boolean;
  requestSession: RequestSession;
  /** The service that sent the request, or the error of its key. Null: there is no key, or a session beside it. */
  service: Service | AppError | null;
  /** The session of the service account. Null: it is not configured. */
  serviceAccount: AccountTokens | null;
  directory: Directory;
  account: Account;
  assignments: Assignments;
  turnAdministration: TurnAdministration;
  assignmentRoles: readonly SystemRole[];
  membership: Membership;
  /** The caller's idempotency key. Null: there is none. Throws `invalid_input`. */
  idempotencyKey: () => string | null;
  /** Returns the signal that aborts when the client disconnects. */
  getDisconnectSignal: () => AbortSignal;
  /** Counts additional calls against the rate limit of a caller, before they run. Throws `rate_limited`. */
  charge: (caller: Pick<Caller, 'type' | 'id' | 'service'>, calls: number) => MaybePromise<void>;
  /** Called if any data of the response comes from a stale cache entry. */
  onStale: () => void;
  status: () => Promise<Status>;
  /** Opens the stream of a subscription. Its positions are for the HTTP layer. */
  openStream: <Event>(stream: OpenStreamOptions<Event>) => AsyncIterable<Event>;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Called after each procedure call. `failure` is null for a success. */
  onCall: (procedure: string, failure: Reason | null, durationMs: number) => void;
};

/** Whom the policy has admitted to a procedure: the signed-in person, or a service. */
export type Person = {
  /** The caller's name in limits and shares. */
  name: string;
  /** For upstream calls. */
  caller: DirectoryCaller;
  me: () => Promise<Session>;
} & (
  | {
      kind: 'person';
      principal: Principal;
      /** The access token. */
      verified: VerifiedToken;
      /** The principal with their systems, which are looked up if the token does not contain them. */
      member: () => MaybePromise<Principal>;
      /** The same with their roles, too. */
      memberWithRoles: () => MaybePromise<Principal>;
    }
  | { kind: 'service' }
);

/**
 * Per-request context: the caller and the services. Creating it does no I/O and never throws: `session()` reports an
 * invalid token, because a caller with one must still be able to call `session.refresh`.
 */
export const createContext = (options: ContextOptions) => {
  const { requestId, address, isDevelopment, callsInRequest, isStreamed, requestSession, service, serviceAccount } =
    options;
  const {
    directory,
    account,
    assignments,
    turnAdministration,
    assignmentRoles,
    membership,
    idempotencyKey,
    getDisconnectSignal,
    charge,
    onStale,
    status,
    openStream,
    monotonicNow,
    onCall,
  } = options;

  const toPerson = (signedIn: SignedInAs): Person => {
    const { principal, verified } = signedIn;
    const { type, id, accessToken } = signedIn.caller;
    // Upstream calls for this person carry their token.
    const caller = { type, id, accessToken, requestId, address, onStale, getSignal: getDisconnectSignal };
    // Resolved once for all calls of a batch.
    let member: MaybePromise<Principal> | null = null;
    let memberWithRoles: MaybePromise<Principal> | null = null;
    return {
      kind: 'person',
      name: callerNameOf(caller),
      principal,
      verified,
      caller,
      member: () => {
        member ??= membership.toDecide(principal, { ...caller, onStale: undefined });
        return member;
      },
      memberWithRoles: () => {
        memberWithRoles ??= membership.toDecideByRole(principal, { ...caller, onStale: undefined });
        return memberWithRoles;
      },
      me: () => requestSession.show(signedIn),
    };
  };
  let person: Person | null = null;

  const toService = ({ name }: Service): Person => {
    const caller: DirectoryCaller = {
      // The service account is staff. Its id and token are known only when a call is sent.
      type: 'staff',
      id: 0,
      accessToken: '',
      service: { name, account: serviceAccount },
      requestId,
      address,
      onStale,
      getSignal: getDisconnectSignal,
    };
    const me = () => Promise.reject(new AppError('insufficient_permissions'));
    return { kind: 'service', name: callerNameOf(caller), caller, me };
  };

  const request = {
    requestId,
    /** For upstream calls that carry no token. */
    cause: { requestId, address } satisfies RequestMeta,
    isDevelopment,
    callsInRequest,
    isStreamed,
    /** Resolved once per request. Synchronous if no I/O is needed. */
    session: (): MaybePromise<Authentication> => requestSession.current(),
    commands: requestSession.commands,
    service,
    hasServiceAccount: serviceAccount !== null,
    directory,
    account,
    assignments,
    turnAdministration,
    assignmentRoles,
    idempotencyKey,
    status,
    openStream,
    charge,
    monotonicNow,
    onCall,
    as: (signedIn: SignedInAs) => {
      person ??= toPerson(signedIn);
      return person;
    },
    asService: (known: Service) => {
      person ??= toService(known);
      return person;
    },
  };
  // One member: tRPC copies the members of the context for each call.
  return { request };
};

/** An interface, so that declarations refer to it by name: the client's published types replace it by an empty one. */
export interface Context extends ReturnType<typeof createContext> {}
