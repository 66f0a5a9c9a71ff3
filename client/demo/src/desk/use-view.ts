import { useSyncExternalStore } from 'react';

export const views = ['tickets', 'turns', 'lab'] as const;
export type View = (typeof views)[number];

const subscribe = (tell: () => void) => {
  addEventListener('hashchange', tell);
  return () => removeEventListener('hashchange', tell);
};
const current = (): View => views.find((view) => location.hash === `#${view}`) ?? 'tickets';

/** The part of the desk that a narrow page shows, by the address's hash. */
export const useView = (): View => useSyncExternalStore(subscribe, current);
