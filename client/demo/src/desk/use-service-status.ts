import { reasonOf, type RouterOutputs } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useState } from 'react';
import { useWatched } from '../lab/use-watched.ts';

type State = RouterOutputs['status']['get']['authService'];
type Seen = { state: 'down' | 'degraded'; atMs: number };

const pollMs = 5_000;

/** Calls `onOutage` when a query or a mutation of the page fails because the Auth Service is unavailable. */
const useOutages = (onOutage: () => void) => {
  const queryClient = useQueryClient();
  const report = useEffectEvent(onOutage);
  useEffect(() => {
    const look = (event: { type: string; action?: { type: string; error?: unknown } }) => {
      if (event.type !== 'updated' || event.action?.type !== 'error') return;
      if (reasonOf(event.action.error) === 'auth_service_unavailable') report();
    };
    const unsubscribes = [queryClient.getQueryCache().subscribe(look), queryClient.getMutationCache().subscribe(look)];
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
  }, [queryClient]);
};

/**
 * The state of the Auth Service: what a call of this page has seen, until `status.get` reports a later state. Null: not
 * loaded yet.
 */
export const useServiceStatus = (): State | null => {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const status = useQuery(trpc.status.get.queryOptions(undefined, { refetchInterval: pollMs }));
  const { areNamesStale } = useWatched();
  const [seen, setSeen] = useState<Seen | null>(null);
  const see = useEffectEvent((state: Seen['state']) => {
    setSeen({ state, atMs: Date.now() });
    void queryClient.invalidateQueries(trpc.status.pathFilter());
  });
  useOutages(() => see('down'));
  useEffect(() => {
    if (areNamesStale) see('degraded');
  }, [areNamesStale]);
  if (seen !== null && seen.atMs > status.dataUpdatedAt) return seen.state;
  // The BFF itself is unreachable, so its last report says nothing.
  if (status.error !== null) return 'unknown';
  return status.data?.authService ?? null;
};
