import { useSyncExternalStore } from 'react';
import { useLab } from './lab-context.tsx';
import type { Watched } from './request-watch.ts';

/** This tab's requests so far. */
export const useWatched = (): Watched => {
  const { watch } = useLab();
  return useSyncExternalStore(watch.subscribe, watch.current);
};
