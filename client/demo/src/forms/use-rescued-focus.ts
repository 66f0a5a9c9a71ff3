import { type RefObject, useEffect, useState } from 'react';

/**
 * Moves the focus to an element if the element that had it went away when this component appeared. A first page load, and a
 * focus elsewhere on the page, stay as they are.
 */
export const useRescuedFocus = (target: RefObject<HTMLElement | null>): void => {
  // During the first render, what this component replaces is still in the page.
  const [hadFocus] = useState(() => document.activeElement !== null && document.activeElement !== document.body);
  useEffect(() => {
    if (hadFocus && (document.activeElement === null || document.activeElement === document.body)) {
      target.current?.focus();
    }
  }, [hadFocus, target]);
};
