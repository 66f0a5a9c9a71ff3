import { useState } from 'react';

const pageSize = 20;

export type Pages = {
  /** The current page, from 0. */
  page: number;
  count: number;
  /** Places of the first and the last item of the page, from 1. */
  first: number;
  last: number;
  total: number;
  turnTo: (page: number) => void;
};

/** A list in pages of 20. The page stays valid when the list shrinks. */
export const usePages = <Item>(items: readonly Item[]): { shown: readonly Item[]; pages: Pages } => {
  const [wanted, turnTo] = useState(0);
  const total = items.length;
  const count = Math.max(1, Math.ceil(total / pageSize));
  const page = Math.min(wanted, count - 1);
  const start = page * pageSize;
  const shown = items.slice(start, start + pageSize);
  return { shown, pages: { page, count, first: start + 1, last: start + shown.length, total, turnTo } };
};
