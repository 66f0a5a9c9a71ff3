import type { Query, QueryClient } from '@tanstack/react-query';
import type { SessionUser } from '../session/session-snapshot.ts';

/**
 * Whose data a cache holds stands in the cache itself, as a query: so it is persisted with the data, and restored with
 * it. The key has the person, so that a restored cache of another person does not replace our own entry but stands
 * beside it.
 */
const ownerKey = ['auth-bff', 'owner'] as const;

const ownerOf = ({ type, id }: SessionUser) => `${type}:${id}`;

export const isOwnerQuery = ({ queryKey }: Pick<Query, 'queryKey'>): boolean =>
  queryKey[0] === ownerKey[0] && queryKey[1] === ownerKey[1];

/** For whom the cache was filled, such as `staff:123`: usually for one person, or nobody has said. */
export const ownersOf = (queryClient: QueryClient): unknown[] =>
  queryClient
    .getQueryCache()
    .findAll({ queryKey: ownerKey })
    .map(({ queryKey }) => queryKey[2]);

/** Whether the cache holds anything that was loaded for another person. */
export const isOfAnother = (queryClient: QueryClient, user: SessionUser): boolean =>
  ownersOf(queryClient).some((owner) => owner !== ownerOf(user));

/** Says whose the cache is. The entry stays as long as the cache does, and outlives a refetch of all queries. */
export const setOwner = (queryClient: QueryClient, user: SessionUser): void => {
  const owner = ownerOf(user);
  const queryKey = [...ownerKey, owner];
  if (queryClient.getQueryData(queryKey) !== undefined) return;
  queryClient.setQueryDefaults(ownerKey, { gcTime: Number.POSITIVE_INFINITY, queryFn: () => owner });
  queryClient.setQueryData(queryKey, owner);
};
