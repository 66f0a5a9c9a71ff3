import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';

const beatMs = 5_000;

/** Keeps the page live: asks for all that is on it anew, in one tick and so in one request. What failed has its own turn. */
export const useHeartbeat = (): void => {
  const queryClient = useQueryClient();
  useEffect(() => {
    const beat = () => {
      if (document.visibilityState !== 'visible') return;
      void queryClient.refetchQueries({
        type: 'active',
        predicate: ({ state, options }) =>
          state.status === 'success' && state.fetchStatus === 'idle' && options.meta?.once !== true,
      });
    };
    const timer = setInterval(beat, beatMs);
    return () => clearInterval(timer);
  }, [queryClient]);
};
