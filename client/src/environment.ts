import type { Channel, Locks } from './session/tabs.ts';

/**
 * Whether this is a browser tab. A server may have `BroadcastChannel`, on which one visitor's sign-out would reach another
 * visitor. React Native has a `window`, and libraries there define parts of a `document`.
 */
export const isBrowser = (): boolean =>
  typeof window !== 'undefined' && typeof document !== 'undefined' && typeof document.addEventListener === 'function';

/**
 * The absolute URL. It is resolved against `document.baseURI`, which an `about:srcdoc` frame inherits from its parent.
 * Outside browsers a relative URL is returned unchanged.
 */
export const toAbsolute = (url: string): string => {
  try {
    return new URL(url, isBrowser() ? (document.baseURI ?? location.href) : undefined).href;
  } catch {
    return url;
  }
};

/** Null if the browser lacks `BroadcastChannel`, or blocks it because the page may not use storage. */
export const browserChannel = (name: string): Channel | null => {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null;
  }
};

/** Null if the browser lacks locks or blocks them, as on a page without https. */
export const browserLocks = (): Locks | null => {
  try {
    return navigator.locks ?? null;
  } catch {
    return null;
  }
};
