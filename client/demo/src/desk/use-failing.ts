import { errorAction, reasonOf } from '@auth-bff/client';
import { notifyManager, type Query, useQueryClient } from '@tanstack/react-query';
import { useCallback, useSyncExternalStore } from 'react';
import { retryAfterOf } from './retry-after.ts';

export type Failing = {
  /** Time of the next retry, in milliseconds since the epoch. Null while retrying. */
  dueAtMs: number | null;
  isNetwork: boolean;
  retry: () => void;
};

const waits = new Set(['maintenance', 'slow-down']);
const isWaiting = ({ state }: Query) => state.error !== null && waits.has(errorAction(state.error));
/** TanStack Query resets the error of a query without data while it fetches. */
const isRefetching = ({ state }: Query) =>
  state.data === undefined && state.errorUpdateCount > 0 && state.fetchStatus === 'fetching';

/** The failing queries on the page. Null if none fails. */
export const useFailing = (): Failing | null => {
  const queryClient = useQueryClient();
  const cache = queryClient.getQueryCache();

  const getSnapshot = (): string => {
    const active = cache.findAll({ type: 'active' });
    const waiting = active.filter(isWaiting);
    if (waiting.length === 0 && !active.some(isRefetching)) return 'ok';
    const isRetrying = waiting.some(({ state }) => state.fetchStatus === 'fetching') || waiting.length === 0;
    const dueAtMs = waiting.map(({ state }) => state.errorUpdatedAt + retryAfterOf(state.error) * 1000);
    const isNetwork = waiting.some(({ state }) => reasonOf(state.error) === 'network');
    return `${isRetrying ? '' : Math.max(...dueAtMs)} ${isNetwork ? 'network' : ''}`;
  };
  const subscribe = useCallback((onChange: () => void) => cache.subscribe(notifyManager.batchCalls(onChange)), [cache]);
  // A string, which compares by value.
  const snapshot = useSyncExternalStore(subscribe, getSnapshot);
  if (snapshot === 'ok') return null;
  const [due, network] = snapshot.split(' ');
  return {
    dueAtMs: due === '' ? null : Number(due),
    isNetwork: network === 'network',
    retry: () => void queryClient.refetchQueries({ type: 'active', predicate: isWaiting }),
  };
};
