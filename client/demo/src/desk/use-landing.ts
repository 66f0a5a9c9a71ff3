import { useEffect, useRef } from 'react';

export type Shown = 'desk' | 'sign-in' | null;

/** After a sign-in the focus is at the heading of the page. After a sign-out the next person starts at the first view. */
export const useLanding = (shown: Shown): void => {
  const before = useRef<Shown>(null);
  useEffect(() => {
    if (shown === null) return;
    if (shown === 'desk' && before.current === 'sign-in') document.querySelector('h1')?.focus();
    if (shown === 'sign-in' && before.current === 'desk') history.replaceState(null, '', location.pathname);
    before.current = shown;
  }, [shown]);
};
