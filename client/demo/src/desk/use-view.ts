import { useSyncExternalStore } from 'react';

export const views = ['tickets', 'turns', 'lab'] as const;
export type View = (typeof views)[number];

const subscribe = (onChange: () => void) => {
  addEventListener('hashchange', onChange);
  return () => removeEventListener('hashchange', onChange);
};
const current = (): View => views.find((view) => location.hash === `#${view}`) ?? 'tickets';

/** The view of a narrow page, from `location.hash`. */
export const useView = (): View => useSyncExternalStore(subscribe, current);
