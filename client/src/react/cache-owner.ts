import type { Query, QueryClient } from '@tanstack/react-query';
import type { SessionUser } from '../session/session-snapshot.ts';

/**
 * The owner of a cache is stored in the cache itself, as a query, so that it is persisted and restored with the data. The
 * person is part of the key: the owner of a restored cache is added beside the current owner and does not replace it.
 */
const ownerKey = ['auth-bff', 'owner'] as const;

const toOwner = ({ type, id }: SessionUser) => `${type}:${id}`;

export const isOwnerQuery = ({ queryKey }: Pick<Query, 'queryKey'>): boolean =>
  queryKey[0] === ownerKey[0] && queryKey[1] === ownerKey[1];

/** The owners, such as `staff:123`. Usually one; several after a restore; none in a new cache. */
export const ownersOf = (queryClient: QueryClient): unknown[] =>
  queryClient
    .getQueryCache()
    .findAll({ queryKey: ownerKey })
    .map(({ queryKey }) => queryKey[2]);

/** Whether the cache contains data of another person. */
export const hasOtherOwner = (queryClient: QueryClient, user: SessionUser): boolean =>
  ownersOf(queryClient).some((owner) => owner !== toOwner(user));

/** Stores the owner. The entry is not garbage-collected, and survives a refetch of all queries. */
export const setOwner = (queryClient: QueryClient, user: SessionUser): void => {
  const owner = toOwner(user);
  const queryKey = [...ownerKey, owner];
  if (queryClient.getQueryData(queryKey) !== undefined) return;
  queryClient.setQueryDefaults(ownerKey, { gcTime: Number.POSITIVE_INFINITY, queryFn: () => owner });
  queryClient.setQueryData(queryKey, owner);
};
