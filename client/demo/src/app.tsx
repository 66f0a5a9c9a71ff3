import { errorAction } from '@auth-bff/client';
import { useSession, useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Desk } from './desk/desk.tsx';
import { ErrorNote } from './desk/error-note.tsx';
import { useLanding } from './desk/use-landing.ts';
import { SignIn } from './sign-in/sign-in.tsx';

/** A file of its own: few visits need it. */
const ResetPassword = lazy(async () => ({ default: (await import('./sign-in/reset-password.tsx')).ResetPassword }));

/** Replaces the page while the session cannot be loaded. */
const Unreachable = ({ error, onRetry }: { error: unknown; onRetry: () => void }) => (
  <main className="lone">
    <h1>Ticket desk</h1>
    <ErrorNote error={error} subject="The desk" onRetry={onRetry} />
  </main>
);

/** Shows the sign-in or the desk. */
const SignInOrDesk = () => {
  const trpc = useTRPC();
  const { state } = useSession();
  // Batched with `session.me`, so that a first visit causes no failed request.
  useQuery(trpc.status.get.queryOptions());
  // Loaded once: during an outage a refetch would return less than the page has.
  const me = useQuery(
    trpc.session.me.queryOptions(undefined, { staleTime: Number.POSITIVE_INFINITY, meta: { once: true } }),
  );

  const isSignedOut = state === 'signed_out' || (me.error !== null && errorAction(me.error) === 'sign-in');
  const isSignedIn = me.data !== undefined && state !== 'signed_out';
  useLanding(isSignedIn ? 'desk' : isSignedOut ? 'sign-in' : null);

  if (isSignedIn) {
    const { id, type } = me.data.user;
    return <Desk key={`${type} ${id}`} me={me.data} />;
  }
  if (isSignedOut) return <SignIn />;
  if (me.error) return <Unreachable error={me.error} onRetry={() => void me.refetch()} />;
  return <div className="splash" role="status" aria-label="Loading the desk" />;
};

/** The link in the mail of a forgotten password leads to a page of its own. All other paths are the desk. */
export const App = () => {
  if (location.pathname !== '/reset-password') return <SignInOrDesk />;
  return (
    <Suspense fallback={<div className="splash" role="status" aria-label="Loading the page" />}>
      <ResetPassword />
    </Suspense>
  );
};
