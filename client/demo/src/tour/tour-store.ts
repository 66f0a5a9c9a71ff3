import { useSyncExternalStore } from 'react';

export type TourState = {
  step: number;
  /** Kept for later visits. */
  isDismissed: boolean;
  /** Whether the visitor asked for the tour, which then gets the focus. */
  isAskedFor: boolean;
};

const key = 'desk-tour';

const readDismissed = (): boolean => {
  try {
    return localStorage.getItem(key) === 'dismissed';
  } catch {
    // Storage is blocked in this browser: each visit begins with the tour.
    return false;
  }
};
const writeDismissed = (isDismissed: boolean) => {
  try {
    if (isDismissed) localStorage.setItem(key, 'dismissed');
    else localStorage.removeItem(key);
  } catch {
    // See above.
  }
};

let state: TourState = { step: 0, isDismissed: readDismissed(), isAskedFor: false };
const listeners = new Set<() => void>();
const change = (next: Partial<TourState>) => {
  state = { ...state, ...next };
  for (const listener of listeners) listener();
};

export const goToStep = (step: number) => change({ step });

export const openTour = () => {
  writeDismissed(false);
  change({ step: 0, isDismissed: false, isAskedFor: true });
};

export const dismissTour = () => {
  writeDismissed(true);
  change({ isDismissed: true });
  // The button that was pressed is gone.
  document.querySelector('h1')?.focus();
};

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

/** The place in the tour. */
export const useTour = (): TourState => useSyncExternalStore(subscribe, () => state);
