import { toNetwork } from '../../http/plugins/client-address.ts';
import { type Caller, type Exchange, personOf } from '../transport.ts';

/**
 * Who makes a call, and so may be why it fails. A verified caller is a person (`staff 123`). Everything that another
 * caller says is made up, such as an e-mail or an unverified token's claims: the network is the source.
 */
export type CallSource = { isVerified: boolean; name: string };

/** Calls without an address share one source. */
export const sourceOf = ({ person, address }: Pick<Exchange, 'person' | 'address'>): CallSource =>
  person === undefined
    ? { isVerified: false, name: `network ${toNetwork(address ?? '')}` }
    : { isVerified: true, name: person };

/** Whose share of the bulkhead, and of other work, a caller's calls take. */
export const shareOf = ({ isUnverified, address, ...caller }: Omit<Caller, 'accessToken'>): string =>
  sourceOf({ person: isUnverified === true ? undefined : personOf(caller), address }).name;
