import { useSyncExternalStore } from 'react';

export const views = ['tickets', 'turns', 'lab', 'account'] as const;
export type View = (typeof views)[number];

const subscribe = (onChange: () => void) => {
  addEventListener('hashchange', onChange);
  return () => removeEventListener('hashchange', onChange);
};
const current = (): View => views.find((view) => location.hash === `#${view}`) ?? 'tickets';

/** The view, from `location.hash`. A wide page shows all parts of the desk, or the account. */
export const useView = (): View => useSyncExternalStore(subscribe, current);
