import { errorAction } from '@auth-bff/client';
import { useSession, useTRPC } from '@auth-bff/client/react';
import { useQuery } from '@tanstack/react-query';
import { Desk } from './desk/desk.tsx';
import { Unreachable } from './desk/unreachable.tsx';
import { SignIn } from './sign-in/sign-in.tsx';

/** The sign-in or the desk, as the session is. */
export const App = () => {
  const trpc = useTRPC();
  const { state } = useSession();
  // With status.get in one request, so that a first visit is no failed one.
  useQuery(trpc.status.get.queryOptions());
  // Once: during an outage the BFF knows less of a person than the page does already.
  const me = useQuery(
    trpc.session.me.queryOptions(undefined, { staleTime: Number.POSITIVE_INFINITY, meta: { once: true } }),
  );

  if (me.data !== undefined && state !== 'signed_out') {
    const { id, type } = me.data.user;
    return <Desk key={`${type} ${id}`} me={me.data} />;
  }
  if (state === 'signed_out' || (me.error && errorAction(me.error) === 'sign-in')) return <SignIn />;
  if (me.error) return <Unreachable error={me.error} onRetry={() => void me.refetch()} />;
  return <div className="splash" role="status" aria-label="The desk is being opened" />;
};
