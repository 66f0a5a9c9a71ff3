import { useQuery } from '@tanstack/react-query';
import { type DeskConfig, devRoutes } from './dev-routes.ts';
import { useLab } from './lab-context.tsx';

/** The address of the ticket service and the seeded people. Null until loaded; retried until then. */
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
