import { useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';

const words = { unknown: 'unknown', up: 'up', degraded: 'degraded', down: 'down' } as const;

/** The state of the Auth Service (`status.get`). */
export const StatusPill = () => {
  const trpc = useTRPC();
  const { data } = useQuery(trpc.status.get.queryOptions(undefined, { refetchInterval: 5_000 }));
  return (
    <p className="pill" role="status" data-status={data?.authService ?? 'unknown'}>
      <span className="pill-dot" aria-hidden="true" />
      <span className="pill-subject">Auth Service </span>
      {data ? words[data.authService] : '…'}
    </p>
  );
};
