import type { Session } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';

/** The name of the signed-in person, which some tokens do not contain. Null while it is loaded; the e-mail address if it cannot be. */
export const useOwnName = ({ user }: Session): string | null => {
  const trpc = useTRPC();
  const { data, error } = useQuery(
    trpc.users.me.queryOptions(undefined, {
      enabled: user.fullName === null,
      staleTime: Number.POSITIVE_INFINITY,
      meta: { once: true },
    }),
  );
  if (user.fullName !== null) return user.fullName;
  if (data !== undefined) return `${data.firstName} ${data.lastName}`;
  return error === null ? null : (user.email ?? `${user.type} ${user.id}`);
};
