const maxRetriesOfOtherQueries = 3;

/**
 * For `defaultOptions.queries.retry` of a QueryClient. Failed calls of the BFF are not retried here, because the client has
 * already retried those that a retry can help. Other queries are retried three times, and never on a server, as is
 * TanStack Query's default.
 */
export const queryRetry = (failureCount: number, error: Error): boolean => {
  // Compares the name, because a frontend may have two copies of @trpc/client.
  if (error.name === 'TRPCClientError') return false;
  return typeof window !== 'undefined' && failureCount < maxRetriesOfOtherQueries;
};
