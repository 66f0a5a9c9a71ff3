import type { AuthSession } from '@auth-bff/client';
import type { QueryClient } from '@tanstack/react-query';
import { createContext, use } from 'react';
import type { RequestWatch } from './request-watch.ts';

export type Lab = {
  session: AuthSession;
  watch: RequestWatch;
  /** For what is asked of /dev: no session's end empties it. */
  queryClient: QueryClient;
};

export const LabContext = createContext<Lab | null>(null);

/** What shows the page at work. */
export const useLab = (): Lab => {
  const lab = use(LabContext);
  if (lab === null) throw new Error('useLab() can only be used inside of a <LabContext>.');
  return lab;
};
