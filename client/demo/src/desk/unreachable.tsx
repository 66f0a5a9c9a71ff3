import { ErrorNote } from './error-note.tsx';

/** The whole page, where not even the session is known. */
export const Unreachable = ({ error, onRetry }: { error: unknown; onRetry: () => void }) => (
  <main className="lone">
    <h1>Ticket desk</h1>
    <ErrorNote error={error} subject="The desk" onRetry={onRetry} />
  </main>
);
