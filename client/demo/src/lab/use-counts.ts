import { useQuery } from '@tanstack/react-query';
import { type Counts, devRoutes } from './dev-routes.ts';
import { useLab } from './lab-context.tsx';

/** What BFF and Auth Service were asked, by all tabs; null until it is known. */
export const useCounts = (): Counts | null => {
  const { queryClient } = useLab();
  const { data = null } = useQuery(
    { queryKey: ['counts'], queryFn: devRoutes.counts, refetchInterval: 1_000 },
    queryClient,
  );
  return data;
};
