import { useQuery } from '@tanstack/react-query';
import { type DeskConfig, devRoutes } from './dev-routes.ts';
import { useLab } from './lab-context.tsx';

/** Where the ticket service is, and whom to sign in as; null until that is known. Asks until it is. */
export const useDeskConfig = (): DeskConfig | null => {
  const { queryClient } = useLab();
  const { data = null } = useQuery(
    {
      queryKey: ['config'],
      queryFn: devRoutes.config,
      staleTime: Number.POSITIVE_INFINITY,
      refetchInterval: ({ state }) => (state.data === undefined ? 2_000 : false),
    },
    queryClient,
  );
  return data;
};
