import type { PersonType } from '@auth-bff/shared';
import type { CallingService } from './calling-service.ts';
import type { QueueEvents } from './resilience/bulkhead.ts';

/** The incoming request that causes an upstream call. */
export type RequestMeta = {
  requestId?: string | undefined;
  /** IP address of the client. */
  address?: string | undefined;
};
export const requestMetaOf = ({ requestId, address }: RequestMeta): RequestMeta => ({ requestId, address });

/** The person whose token authorizes an upstream call, or a service. */
export type Caller = RequestMeta & {
  type: PersonType;
  id: number;
  accessToken: string;
  /** A service calls, by the token of the service account: `id` is 0 and `accessToken` is empty. */
  service?: CallingService | undefined;
  /** `type` and `id` are claims of a token that is not verified yet. Default false. */
  isUnverified?: boolean | undefined;
  /** Aborts when the client disconnects. */
  signal?: AbortSignal | undefined;
} & QueueEvents;

/** Identifies a person. The id alone is ambiguous: staff ids and employee ids overlap. */
export const personOf = ({ type, id }: Pick<Caller, 'type' | 'id'>): string => `${type} ${id}`;

/**
 * Identifies a verified caller, in limits and shares: `staff 123`, or `service tickets`. Work for a service counts as its
 * own, not as that of the service account.
 */
export const callerNameOf = (caller: Pick<Caller, 'type' | 'id' | 'service'>): string =>
  caller.service === undefined ? personOf(caller) : serviceCallerName(caller.service);
export const serviceCallerName = ({ name }: { name: string }): string => `service ${name}`;
