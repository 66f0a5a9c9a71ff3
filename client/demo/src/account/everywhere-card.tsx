import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { accountWords } from './account-words.ts';
import { Outcome } from './outcome.tsx';

/** Ends all sessions of the person. The client notices that this one has ended, and shows the sign-in. */
export const EverywhereCard = () => {
  const trpc = useTRPC();
  const end = useMutation(trpc.session.logoutEverywhere.mutationOptions());
  return (
    <section className="card" aria-labelledby="everywhere-title">
      <header className="card-head">
        <h3 id="everywhere-title">Sessions</h3>
      </header>
      <p className="sub">
        If you have lost a device, or somebody else knows your session: end all of them, this one included.
      </p>
      <Outcome error={accountWords(end.error)} success="" />
      <div className="actions">
        <button type="button" className="quiet" aria-busy={end.isPending} onClick={() => end.mutate()}>
          Sign out everywhere
        </button>
      </div>
    </section>
  );
};
