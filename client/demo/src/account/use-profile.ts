import { useTRPC } from '@auth-bff/client/react';
import { useQuery, useQueryClient } from '@tanstack/react-query';

/** The profile of the signed-in person. Not refetched by the heartbeat: a form must not change while it is filled in. */
export const useProfile = () => {
  const trpc = useTRPC();
  return useQuery(trpc.account.profile.queryOptions(undefined, { meta: { once: true } }));
};

/** Shows the profile that a change returned, or loads it again. */
export const useProfileUpdate = () => {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const queryKey = trpc.account.profile.queryKey();
  return {
    show: (profile: ReturnType<typeof useProfile>['data']) => queryClient.setQueryData(queryKey, profile),
    reload: () => queryClient.invalidateQueries({ queryKey }),
  };
};
