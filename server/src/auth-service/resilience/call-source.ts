import { toNetwork } from '../../platform/ip-address.ts';
import { type Caller, callerNameOf } from '../caller.ts';
import type { UpstreamRequest } from '../transport.ts';

/**
 * Who makes a call: a verified person (`staff 123`), a service by its key (`service tickets`), or else the network of the client. Unverified input, such as an
 * e-mail address or the claims of an unverified token, never identifies a source.
 */
export type CallSource = { isVerified: boolean; name: string };

/** Calls without an address share one source. */
export const sourceOf = ({ person, address }: Pick<UpstreamRequest, 'person' | 'address'>): CallSource =>
  person === undefined
    ? { isVerified: false, name: `network ${toNetwork(address ?? '')}` }
    : { isVerified: true, name: person };

/** The source whose share of bulkheads and time slices a caller uses. */
export const sourceNameOf = (caller: Omit<Caller, 'accessToken'>): string =>
  caller.isUnverified === true ? sourceOf({ address: caller.address }).name : callerNameOf(caller);
