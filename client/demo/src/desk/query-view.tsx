import { type ReactNode, useState } from 'react';
import { ErrorNote } from './error-note.tsx';

type QueryViewProps<Answer> = {
  query: {
    data: Answer | undefined;
    error: unknown;
    errorUpdateCount: number;
    refetch: () => Promise<unknown>;
  };
  /** Begins the sentence that tells what is missing: "Who is next". */
  subject: string;
  skeleton: ReactNode;
  children: (answer: Answer) => ReactNode;
};

/** What was answered, also if it cannot be had anew; else why not; else a skeleton of its size. */
export const QueryView = <Answer,>({ query, subject, skeleton, children }: QueryViewProps<Answer>) => {
  const { data, error, errorUpdateCount, refetch } = query;
  const [lastError, setLastError] = useState<unknown>(null);
  if (error !== null && error !== lastError) setLastError(error);
  if (data !== undefined) return children(data);
  // While it is asked again the note stays, or the page would flicker.
  const shown = error ?? (errorUpdateCount > 0 ? lastError : null);
  return shown === null ? skeleton : <ErrorNote error={shown} subject={subject} onRetry={() => void refetch()} />;
};
