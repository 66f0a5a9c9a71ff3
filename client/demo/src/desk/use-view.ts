import { useHash } from './use-hash.ts';

export const views = ['tickets', 'turns', 'lab', 'account'] as const;
export type View = (typeof views)[number];

/** The view, from `location.hash`. A wide page shows all parts of the desk, or the account. `#ticket/T-1042` is a ticket of the list. */
export const useView = (): View => {
  const hash = useHash();
  return views.find((view) => view === hash) ?? 'tickets';
};
