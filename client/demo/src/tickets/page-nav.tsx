import { useEffect, useRef, useState } from 'react';
import type { Pages } from './use-pages.ts';

type PageNavProps = { pages: Pages; onTurn: () => void };

/** Previous, next, and which tickets are shown. The focus stays on the button, or goes to the other one at an end. */
export const PageNav = ({ pages, onTurn }: PageNavProps) => {
  const { page, count, first, last, total, turnTo } = pages;
  const previous = useRef<HTMLButtonElement>(null);
  const next = useRef<HTMLButtonElement>(null);
  /** Read aloud after a change of the page only. */
  const [hasTurned, setHasTurned] = useState(false);
  const focused = useRef<'previous' | 'next' | null>(null);

  const turn = (by: 'previous' | 'next') => {
    focused.current = by;
    setHasTurned(true);
    turnTo(page + (by === 'next' ? 1 : -1));
    onTurn();
  };
  useEffect(() => {
    const wanted = focused.current;
    if (wanted === null) return;
    focused.current = null;
    const isAtEnd = wanted === 'next' ? page === count - 1 : page === 0;
    const button = (wanted === 'next') === isAtEnd ? previous : next;
    button.current?.focus({ preventScroll: true });
  }, [page, count]);

  return (
    <nav className="page-nav" aria-label="Pages of tickets">
      <button type="button" className="quiet" ref={previous} disabled={page === 0} onClick={() => turn('previous')}>
        Previous
      </button>
      <p className="sub">
        {first}–{last} of {total}
      </p>
      <button type="button" className="quiet" ref={next} disabled={page === count - 1} onClick={() => turn('next')}>
        Next
      </button>
      <p className="visually-hidden" role="status">
        {hasTurned ? `Page ${page + 1} of ${count}` : ''}
      </p>
    </nav>
  );
};
