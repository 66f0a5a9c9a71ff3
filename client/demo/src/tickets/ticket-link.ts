import type { MouseEvent } from 'react';
import { useHash } from '../desk/use-hash.ts';

const prefix = 'ticket/';

export const hrefOf = (id: string): string => `#${prefix}${id}`;

/** The id in `#ticket/T-1042`. Null: no ticket is open. It need not be a valid id. */
export const useOpenTicketId = (): string | null => {
  const hash = useHash();
  return hash.startsWith(prefix) ? hash.slice(prefix.length) : null;
};

/** Opens a ticket over the list. The entry in the browser's history says so, and keeps it over a reload. */
export const openTicket = (event: MouseEvent, id: string): void => {
  // The browser opens another tab or window.
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState({ isOverList: true }, '', hrefOf(id));
  dispatchEvent(new HashChangeEvent('hashchange'));
};

/** Goes back to the list, or shows it if the ticket was opened by a link from elsewhere: going back would leave the desk. */
export const closeTicket = (): void => {
  const state: unknown = history.state;
  if (typeof state === 'object' && state !== null && 'isOverList' in state) history.back();
  else location.replace('#tickets');
};
