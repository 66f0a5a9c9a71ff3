import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';

const beatMs = 5_000;

/**
 * Refetches the queries on the page every 5 s, in one tick and so in one request, except those that an event stream keeps
 * fresh (`meta.live`). Failed queries are retried elsewhere.
 */
export const useHeartbeat = (): void => {
  const queryClient = useQueryClient();
  useEffect(() => {
    const beat = () => {
      if (document.visibilityState !== 'visible') return;
      void queryClient.refetchQueries({
        type: 'active',
        predicate: ({ state, options }) =>
          state.status === 'success' &&
          state.fetchStatus === 'idle' &&
          options.meta?.once !== true &&
          options.meta?.live !== true,
      });
    };
    const timer = setInterval(beat, beatMs);
    return () => clearInterval(timer);
  }, [queryClient]);
};
