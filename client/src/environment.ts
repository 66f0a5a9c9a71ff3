import type { Channel, Locks } from './session/tabs.ts';

/**
 * A window with a document, and no server that happens to have BroadcastChannel: there one visitor's sign-out would
 * reach another's. React Native has a window, and libraries there define parts of a document.
 */
export const isBrowser = (): boolean =>
  typeof window !== 'undefined' && typeof document !== 'undefined' && typeof document.addEventListener === 'function';

/**
 * The URL with its origin. `document.baseURI`, since a frame without an address of its own (`about:srcdoc`) has that of
 * its parent. Unchanged where there is nothing to be relative to.
 */
export const toAbsolute = (url: string): string => {
  try {
    return new URL(url, isBrowser() ? (document.baseURI ?? location.href) : undefined).href;
  } catch {
    return url;
  }
};

/** Null where the browser lacks it, or refuses it to a page that may store nothing. */
export const browserChannel = (name: string): Channel | null => {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null;
  }
};

/** Null where the browser lacks them or refuses them, as on any page that is not served over https. */
export const browserLocks = (): Locks | null => {
  try {
    return navigator.locks ?? null;
  } catch {
    return null;
  }
};
