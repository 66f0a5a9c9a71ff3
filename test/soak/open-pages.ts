import { setMaxListeners } from 'node:events';

/**
 * Lets the client package take this process for a visible page of a browser, in which it refreshes sessions by timers of
 * its own. All clients share the page, and have no tabs, locks and channels in common.
 */
export const openPages = (): void => {
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const window = Object.assign(new EventTarget(), { document });
  // Each client listens.
  setMaxListeners(0, document, window);
  Object.assign(globalThis, { window, document });
};
