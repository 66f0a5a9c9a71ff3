import { useHash } from './use-hash.ts';

export type View = 'tickets' | 'turns' | 'lab' | 'account';

/**
 * The view, from `location.hash`. A wide page shows all parts of the desk, or the account. `#ticket/T-1042` is a ticket of
 * the list.
 */
export const useView = (views: readonly View[]): View => {
  const hash = useHash();
  return views.find((view) => view === hash) ?? 'tickets';
};
