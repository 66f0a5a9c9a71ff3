import { type ReactNode, useState } from 'react';
import { ErrorNote } from './error-note.tsx';

type QueryViewProps<Answer> = {
  query: {
    data: Answer | undefined;
    error: unknown;
    errorUpdateCount: number;
    refetch: () => Promise<unknown>;
  };
  /** The start of a sentence, such as "The list of tickets". */
  subject: string;
  skeleton: ReactNode;
  children: (answer: Answer) => ReactNode;
};

/** Shows the data, even if a refetch fails; otherwise the error; otherwise the skeleton. */
export const QueryView = <Answer,>({ query, subject, skeleton, children }: QueryViewProps<Answer>) => {
  const { data, error, errorUpdateCount, refetch } = query;
  const [lastError, setLastError] = useState<unknown>(null);
  if (error !== null && error !== lastError) setLastError(error);
  if (data !== undefined) return children(data);
  // The error stays during a retry, so that the page does not flicker.
  const shown = error ?? (errorUpdateCount > 0 ? lastError : null);
  return shown === null ? skeleton : <ErrorNote error={shown} subject={subject} onRetry={() => void refetch()} />;
};
