import { useQuery } from '@tanstack/react-query';
import { type Counts, devRoutes } from './dev-routes.ts';
import { useLab } from './lab-context.tsx';

/** Request counts of the BFF and the Auth Service, for all tabs. Null until loaded. */
export const useCounts = (): Counts | null => {
  const { queryClient } = useLab();
  const { data = null } = useQuery(
    { queryKey: ['counts'], queryFn: devRoutes.counts, refetchInterval: 1_000 },
    queryClient,
  );
  return data;
};
