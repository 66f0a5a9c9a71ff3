import { useSyncExternalStore } from 'react';

const subscribe = (onChange: () => void) => {
  addEventListener('hashchange', onChange);
  return () => removeEventListener('hashchange', onChange);
};

/** `location.hash` without `#`. */
export const useHash = (): string => useSyncExternalStore(subscribe, () => location.hash.slice(1));
