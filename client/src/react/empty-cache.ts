import type { Query, QueryClient, QueryState } from '@tanstack/react-query';
import { sessionEndedError } from '../errors.ts';

const initialState = {
  data: undefined,
  dataUpdateCount: 0,
  dataUpdatedAt: 0,
  error: null,
  errorUpdateCount: 0,
  errorUpdatedAt: 0,
  fetchFailureCount: 0,
  fetchFailureReason: null,
  fetchMeta: null,
  isInvalidated: false,
  status: 'pending',
  fetchStatus: 'idle',
} satisfies QueryState;

const sessionEndedState = (): QueryState => ({
  ...initialState,
  status: 'error',
  error: sessionEndedError(),
  errorUpdateCount: 1,
  errorUpdatedAt: Date.now(),
  isInvalidated: true,
});

export type EmptyCacheOptions = {
  where: (query: Query) => boolean;
  /** `refetch`: active queries are fetched again. `session_ended`: they fail with that error, without a request. */
  outcome: 'refetch' | 'session_ended';
};

/**
 * Removes the data of the previous person, and cancels the queries and mutations in flight. Does not use `clear`, which
 * notifies no component, or `resetQueries`, which restores `initialData` and always refetches.
 */
export const emptyCache = (queryClient: QueryClient, { where, outcome }: EmptyCacheOptions): void => {
  const cache = queryClient.getQueryCache();
  const emptied = new Set(cache.getAll().filter(where));
  const refetches = outcome === 'refetch';
  for (const query of emptied) {
    const isFetching = query.state.fetchStatus !== 'idle';
    void query.cancel({ silent: true });
    query.setState(refetches ? initialState : sessionEndedState());
    // A suspended component does not observe its query yet. It must find the error, or it would fetch for ever.
    if (query.getObserversCount() === 0 && !isFetching) cache.remove(query);
    // A caller that awaits the query, such as a router's loader, receives the new person's data.
    else if (isFetching && refetches && !query.isActive()) query.fetch().catch(() => {});
  }
  // Paused mutations too: they would be sent as another person. A mutation in flight still settles for its caller.
  queryClient.getMutationCache().clear();
  if (refetches) void queryClient.refetchQueries({ type: 'active', predicate: (query) => emptied.has(query) });
};
