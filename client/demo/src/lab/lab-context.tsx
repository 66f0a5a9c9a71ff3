import type { QueryClient } from '@tanstack/react-query';
import { createContext, use } from 'react';
import type { RequestWatch } from './request-watch.ts';

export type Lab = {
  watch: RequestWatch;
  /** A QueryClient for `/dev`, which a sign-out does not empty. */
  queryClient: QueryClient;
};

export const LabContext = createContext<Lab | null>(null);

/** State that the panels share. */
export const useLab = (): Lab => {
  const lab = use(LabContext);
  if (lab === null) throw new Error('useLab() can only be used inside of a <LabContext>.');
  return lab;
};
