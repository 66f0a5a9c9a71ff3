import { errorAction, reasonOf } from '@auth-bff/client';
import { notifyManager, type Query, useQueryClient } from '@tanstack/react-query';
import { useCallback, useSyncExternalStore } from 'react';
import { retryAfterOf } from './retry-after.ts';

export type Failing = {
  /** When to ask again, since the epoch; null while it is asked. */
  dueAtMs: number | null;
  isNetwork: boolean;
  retry: () => void;
};

const waits = new Set(['maintenance', 'slow-down']);
const isWaiting = ({ state }: Query) => state.error !== null && waits.has(errorAction(state.error));
/** A query that has no answer yet forgets its error while it is asked again. */
const isAskedAgain = ({ state }: Query) =>
  state.data === undefined && state.errorUpdateCount > 0 && state.fetchStatus === 'fetching';

/** What is on the page and cannot be answered just now; null where all is well. */
export const useFailing = (): Failing | null => {
  const queryClient = useQueryClient();
  const cache = queryClient.getQueryCache();

  const look = (): string => {
    const active = cache.findAll({ type: 'active' });
    const waiting = active.filter(isWaiting);
    if (waiting.length === 0 && !active.some(isAskedAgain)) return 'well';
    const isAsked = waiting.some(({ state }) => state.fetchStatus === 'fetching') || waiting.length === 0;
    const dueAtMs = waiting.map(({ state }) => state.errorUpdatedAt + retryAfterOf(state.error) * 1000);
    const isNetwork = waiting.some(({ state }) => reasonOf(state.error) === 'network');
    return `${isAsked ? '' : Math.max(...dueAtMs)} ${isNetwork ? 'network' : ''}`;
  };
  const subscribe = useCallback((tell: () => void) => cache.subscribe(notifyManager.batchCalls(tell)), [cache]);
  // In words, which compare by what they say.
  const seen = useSyncExternalStore(subscribe, look);
  if (seen === 'well') return null;
  const [due, network] = seen.split(' ');
  return {
    dueAtMs: due === '' ? null : Number(due),
    isNetwork: network === 'network',
    retry: () => void queryClient.refetchQueries({ type: 'active', predicate: isWaiting }),
  };
};
